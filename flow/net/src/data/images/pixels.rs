//! Pixels of an image, decoded, resized and cropped.

use std::io::Cursor;

use image::{ImageReader, Limits};

use super::resample::Resample;

/// Most pixels of an image, also between the two steps of a resize.
pub(super) const MOST_PIXELS: u64 = 1 << 26;
/// Most memory of a decoder.
const MOST_MEMORY: u64 = 1 << 30;

/// An image of 8 bits per channel, channels innermost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pixels {
    /// Rows and columns.
    pub(super) size: [usize; 2],
    /// 1 or 3.
    pub(super) channels: usize,
    pub(super) data: Vec<u8>,
}

/// Luminance as PIL computes it: ITU-R 601-2 in fixed point.
fn gray([red, green, blue]: [u8; 3]) -> u8 {
    let sum = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
    ((sum + 0x8000) >> 16) as u8
}

impl Pixels {
    /// Decodes a JPEG or PNG file. The alpha channel is dropped.
    pub(super) fn decode(bytes: &[u8], channels: usize) -> Result<Self, String> {
        let reader = || {
            let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
            reader.map_err(|error| error.to_string())
        };
        let (width, height) = reader()?.into_dimensions().map_err(|error| error.to_string())?;
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            return Err(format!("{height}x{width} pixels; allowed: at most {MOST_PIXELS}"));
        }
        if width == 0 || height == 0 {
            return Err("no pixels".into());
        }
        let mut reader = reader()?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(MOST_MEMORY);
        reader.limits(limits);
        let image = reader.decode().map_err(|error| error.to_string())?.into_rgb8();
        let data = image.into_raw();
        let data = match channels {
            1 => data.as_chunks::<3>().0.iter().map(|color| gray(*color)).collect(),
            _ => data,
        };
        Ok(Self { size: [height as usize, width as usize], channels, data })
    }

    /// Resized to rows and columns, with the filter of PIL's `BILINEAR`: along the rows first.
    pub(super) fn resized(mut self, [rows, columns]: [usize; 2]) -> Self {
        let [height, width] = self.size;
        if columns != width {
            let change = Resample::new(width, columns);
            let mut data = Vec::with_capacity(height * columns * self.channels);
            let lines = self.data.chunks(width * self.channels);
            lines.for_each(|line| change.apply(line, self.channels, &mut data));
            self.data = data;
        }
        if rows != height {
            let line = columns * self.channels;
            let mut data = Vec::with_capacity(rows * line);
            Resample::new(height, rows).apply(&self.data, line, &mut data);
            self.data = data;
        }
        Self { size: [rows, columns], ..self }
    }

    /// The center of so many rows and columns; odd margins are split as torchvision does, halves to even.
    pub(super) fn cropped(&self, [rows, columns]: [usize; 2]) -> Result<Self, String> {
        let [height, width] = self.size;
        let (Some(above), Some(left)) = (height.checked_sub(rows), width.checked_sub(columns))
        else {
            return Err(format!(
                "{height}x{width} pixels; too small for a crop of {rows}x{columns}"
            ));
        };
        let half = |margin: usize| margin / 2 + (margin & 1) * ((margin / 2) & 1);
        let (top, left) = (half(above), half(left));
        let data = (top..top + rows).flat_map(|row| {
            let first = (row * width + left) * self.channels;
            &self.data[first..first + columns * self.channels]
        });
        let data = data.copied().collect();
        Ok(Self { size: [rows, columns], channels: self.channels, data })
    }
}
