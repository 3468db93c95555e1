//! Files that are written completely or not at all.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::Path;

/// Most bytes that a compressed text may unpack to; the largest library of asap7 has 22 MB.
pub const MOST_INFLATED: u64 = 1 << 28;

/// Unpacks a gzip file of one or several members.
///
/// # Errors
/// It is damaged, or unpacks to more than [`MOST_INFLATED`] bytes.
pub fn inflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    let decoder = flate2::read::MultiGzDecoder::new(bytes);
    decoder.take(MOST_INFLATED + 1).read_to_end(&mut plain)?;
    if plain.len() as u64 > MOST_INFLATED {
        let problem = format!("it unpacks to more than {MOST_INFLATED} bytes");
        return Err(Error::new(ErrorKind::InvalidData, problem));
    }
    Ok(plain)
}

/// Writes a file through a temporary one in the same folder. So no reader finds a half-written file under its name,
/// even after a killed run, and an old file is kept if writing fails. Missing folders are made.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn write_whole(path: &Path, contents: impl AsRef<[u8]>) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pecan-");
    #[cfg(unix)]
    {
        // Temporary files are private by default; results follow the user's umask.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(contents.as_ref())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let pack = |count: u64| {
            let mut encoder = flate2::read::GzEncoder::new(
                std::io::repeat(b' ').take(count),
                flate2::Compression::fast(),
            );
            let mut packed = Vec::new();
            encoder.read_to_end(&mut packed).unwrap();
            packed
        };
        assert_eq!(inflate(&pack(1000)).unwrap().len(), 1000);
        let packed = pack(MOST_INFLATED + 1);
        assert!(inflate(&packed).unwrap_err().to_string().contains("more than 268435456"));
        assert!(inflate(&packed[..packed.len() / 2]).is_err());
    }

    #[test]
    fn replaces_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/file");
        write_whole(&path, "one").unwrap();
        write_whole(&path, "two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path().join("new")).unwrap().count(), 1);
        // There is a folder at the path of the file.
        assert!(write_whole(folder.path(), "").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
    }
}
