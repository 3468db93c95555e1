//! x
use super::Report;
/// x
pub fn html(_: &Report) -> String {
    String::new()
}
