//! Suggestions for misspelt names.

/// Longest name, in characters, that is compared.
const LONGEST: usize = 64;

/// The most likely candidate for a misspelt name: the one with the fewest edits, if these are few for the name's
/// length.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A longer name is no typing error, and comparing two of them takes their product in memory.
    let length = name.chars().count();
    if length > LONGEST {
        return None;
    }
    let allowed = (length / 3).max(2);
    candidates
        .filter(|candidate| candidate.chars().take(LONGEST + 1).count() <= LONGEST)
        .map(|candidate| {
            let edits =
                strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase());
            (edits, candidate)
        })
        .filter(|(edits, candidate)| *edits <= allowed && *edits < candidate.len())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_close() {
        let names = ["rows", "cols", "lanes"];
        assert_eq!(nearest("row", names.into_iter()), Some("rows"));
        assert_eq!(nearest("Lnaes", names.into_iter()), Some("lanes"));
        assert_eq!(nearest("columns", names.into_iter()), None);
        assert_eq!(nearest("bandwidth", names.into_iter()), None);
    }
}
