//! Typed access to a node's attributes that collects every problem instead of stopping at the first.

use std::cell::RefCell;

use pecan_text::escape::{escape_name, shorten};

use crate::onnx::{AttributeProto, TensorProto, attribute_type};

/// Longest string that is distinguished.
const LONGEST: usize = 60;

/// Unknown attributes that are listed.
const SHOWN: usize = 20;

/// The attributes of one node. Attributes that no operator code reads are a problem too: they would otherwise be
/// dropped silently.
#[derive(Debug)]
pub struct Attributes<'a> {
    list: &'a [AttributeProto],
    asked: RefCell<Vec<String>>,
    problems: RefCell<Vec<String>>,
}

impl<'a> Attributes<'a> {
    /// The attributes in `list`.
    pub fn new(list: &'a [AttributeProto]) -> Self {
        Self { list, asked: RefCell::default(), problems: RefCell::default() }
    }

    /// Records a problem.
    pub fn problem(&self, text: impl Into<String>) {
        self.problems.borrow_mut().push(text.into());
    }

    /// Records `text()` as a problem unless `legal`.
    pub fn require(&self, legal: bool, text: impl FnOnce() -> String) {
        if !legal {
            self.problem(text());
        }
    }

    /// Every problem so far, including unread attributes.
    ///
    /// # Errors
    /// There is a problem.
    pub fn finish(&self) -> Result<(), Vec<String>> {
        let asked = self.asked.borrow();
        let name = |attribute: &'a AttributeProto| attribute.name.as_deref().unwrap_or("");
        let unknown = |name: &&str| !asked.iter().any(|a| a == name);
        let unknown: Vec<&str> = self.list.iter().map(name).filter(unknown).collect();
        for name in unknown.iter().take(SHOWN) {
            self.problem(format!("unknown attribute `{name}`; known: {}", asked.join(", ")));
        }
        if unknown.len() > SHOWN {
            self.problem(format!("and {} more unknown attributes", unknown.len() - SHOWN));
        }
        let problems = self.problems.borrow();
        if problems.is_empty() { Ok(()) } else { Err(problems.clone()) }
    }

    fn find(&self, name: &str, kind: i32, what: &str) -> Option<&'a AttributeProto> {
        self.asked.borrow_mut().push(name.to_string());
        let found = self.list.iter().find(|a| a.name.as_deref() == Some(name))?;
        if found.ref_attr_name.as_deref().is_some_and(|r| !r.is_empty()) {
            self.problem(format!("attribute `{name}` refers to a function's attribute"));
            return None;
        }
        // Files before IR version 2 leave the type out.
        match found.r#type {
            Some(t) if t != kind && t != 0 => {
                self.problem(format!("attribute `{name}` has type {t}; expected {what}"));
                None
            }
            _ => Some(found),
        }
    }

    /// An integer.
    pub fn int(&self, name: &str, default: i64) -> i64 {
        // A writer may leave a zero out.
        self.find(name, attribute_type::INT, "an integer").map_or(default, |a| a.i.unwrap_or(0))
    }

    /// An integer of which only `legal` values are supported.
    pub fn int_of(&self, name: &str, default: i64, legal: &[i64]) -> i64 {
        let value = self.int(name, default);
        self.require(legal.contains(&value), || {
            format!("attribute `{name}` = {value}; supported: {}", super::list(legal))
        });
        value
    }

    /// A float.
    pub fn float(&self, name: &str, default: f32) -> f32 {
        self.find(name, attribute_type::FLOAT, "a float").map_or(default, |a| a.f.unwrap_or(0.0))
    }

    /// A list of integers.
    pub fn ints(&self, name: &str) -> Option<&'a [i64]> {
        self.find(name, attribute_type::INTS, "integers").map(|a| a.ints.as_slice())
    }

    /// `N` integers between `low` and `high`; `default` in each place if absent or wrong.
    pub fn sizes<const N: usize>(
        &self,
        name: &str,
        default: usize,
        low: usize,
        high: usize,
    ) -> [usize; N] {
        let Some(values) = self.ints(name) else { return [default; N] };
        let legal = |&v: &i64| usize::try_from(v).ok().filter(|v| (low..=high).contains(v));
        let sizes: Option<Vec<usize>> = values.iter().map(legal).collect();
        match sizes.and_then(|s| <[usize; N]>::try_from(s).ok()) {
            Some(sizes) => sizes,
            None => {
                self.problem(format!(
                    "attribute `{name}` = [{}]; supported: {N} values of {low} to {high}",
                    super::list(values)
                ));
                [default; N]
            }
        }
    }

    /// A tensor.
    pub fn tensor(&self, name: &str) -> Option<&'a TensorProto> {
        self.find(name, attribute_type::TENSOR, "a tensor").and_then(|a| a.t.as_ref())
    }

    /// Floats.
    pub fn floats(&self, name: &str) -> Option<&'a [f32]> {
        self.find(name, attribute_type::FLOATS, "floats").map(|a| a.floats.as_slice())
    }

    /// A string, as it can be shown.
    pub fn text(&self, name: &str, default: &str) -> String {
        match self.find(name, attribute_type::STRING, "a string") {
            Some(a) => {
                let text = String::from_utf8_lossy(a.s.as_deref().unwrap_or(b""));
                shorten(&escape_name(&text), LONGEST).into_owned()
            }
            None => default.to_string(),
        }
    }

    /// Accepts an attribute without looking at it because it cannot change inference.
    pub fn ignore(&self, name: &str) {
        self.asked.borrow_mut().push(name.to_string());
    }
}
