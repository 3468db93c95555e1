//! Instances and variables that a dump names, and which of them are the nets of a design.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pecan_text::nearest;

use super::GateDesign;

/// Deepest nesting of instances.
pub(crate) const MOST_NESTING: usize = 256;

/// Most bytes of the paths of all instances: the path of an inner instance contains those of the outer ones.
pub(crate) const MOST_PATH_BYTES: usize = 1 << 27;

/// Least share of nets that a dump must cover.
const LEAST_COVERAGE: f64 = 0.99;

/// Instances that are held against the whole design when the top is looked for: those that share most names with it.
const MOST_CANDIDATES: usize = 16;

/// Names listed in a message.
const SHOWN: usize = 5;

/// Bits of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bits {
    pub(super) width: u32,
    /// Declared indices of the leftmost and the rightmost bit.
    pub(super) range: Option<(i64, i64)>,
}

impl Bits {
    /// A variable of one bit without an index.
    pub(super) const ONE: Self = Self { width: 1, range: None };

    /// Place from the right of the bit with a declared index; without declared indices they go down to 0.
    fn place(self, index: i64) -> Option<u32> {
        let (left, right) = self.range.unwrap_or((i64::from(self.width) - 1, 0));
        let place = if left >= right { index.checked_sub(right) } else { right.checked_sub(index) };
        place.and_then(|place| u32::try_from(place).ok()).filter(|place| *place < self.width)
    }
}

/// A bit of a variable of a dump: number of the variable, place from the right.
pub(super) type BitOf = (u32, u32);

#[derive(Debug)]
struct Instance {
    path: Arc<str>,
    variables: HashMap<Box<str>, (u32, Bits)>,
}

/// All names of a dump.
#[derive(Debug, Default)]
pub(super) struct Hierarchy {
    instances: Vec<Instance>,
    index: HashMap<Arc<str>, usize>,
    path_bytes: usize,
}

/// Where the nets of a design are in a dump.
#[derive(Debug)]
pub(super) struct Located {
    /// Path of the instance that is the top.
    pub(super) scope: String,
    /// Share of the driven nets that have a bit.
    pub(super) coverage: f64,
    /// Bits by net of the design.
    pub(super) bits: Vec<Option<BitOf>>,
    /// Names of nets that were found; a net may have several.
    names: usize,
}

impl Hierarchy {
    /// The instance of a path; names are separated by `.`.
    ///
    /// # Errors
    /// Describes the limit that is exceeded.
    pub(super) fn instance(&mut self, path: &str) -> Result<usize, String> {
        if let Some(&at) = self.index.get(path) {
            return Ok(at);
        }
        self.path_bytes += path.len();
        if self.path_bytes > MOST_PATH_BYTES {
            return Err(format!("paths of instances have more than {MOST_PATH_BYTES} bytes"));
        }
        let path: Arc<str> = path.into();
        self.instances.push(Instance { path: path.clone(), variables: HashMap::new() });
        self.index.insert(path, self.instances.len() - 1);
        Ok(self.instances.len() - 1)
    }

    /// Adds the variable `number` of an instance; the first of a name counts.
    pub(super) fn add(&mut self, instance: usize, name: String, number: u32, bits: Bits) {
        self.instances[instance].variables.entry(name.into()).or_insert((number, bits));
    }

    /// The bit with a name of a netlist in the instance of a path.
    #[cfg(test)]
    pub(super) fn find(&self, path: &str, name: &str) -> Option<BitOf> {
        self.instances[*self.index.get(path)?].find(name)
    }

    /// Finds the nets of `design`: below the instance `scope`, else below the one whose names are those of the
    /// design's nets.
    ///
    /// # Errors
    /// Describes why there is no such instance, or that there are several.
    pub(super) fn locate(
        &self,
        design: &GateDesign,
        scope: Option<&str>,
    ) -> Result<Located, String> {
        let Some(scope) = scope else { return self.search(design) };
        if !self.index.contains_key(scope) {
            return Err(self.no_instance(scope));
        }
        let located = self.below(design, scope);
        if located.coverage < LEAST_COVERAGE { Err(located.lacking(design)) } else { Ok(located) }
    }

    fn search(&self, design: &GateDesign) -> Result<Located, String> {
        let top = design.flat.top_name();
        let mut best: Vec<Located> = Vec::new();
        let mut closest: Option<Located> = None;
        for at in self.candidates(design) {
            let located = self.below(design, &self.instances[at].path);
            if located.coverage < LEAST_COVERAGE {
                if closest.as_ref().is_none_or(|c| c.coverage < located.coverage) {
                    closest = Some(located);
                }
                continue;
            }
            // More names of the same nets are found where the instances inside are the design's too.
            match best.first().map_or(0, |b| b.names) {
                names if names < located.names => best = vec![located],
                names if names == located.names => best.push(located),
                _ => {}
            }
        }
        if best.len() > 1 {
            let named = |l: &Located| l.scope.rsplit('.').next() == Some(top);
            if best.iter().filter(|l| named(l)).count() == 1 {
                best.retain(named);
            }
        }
        match (best.len(), best.pop(), closest) {
            (1, Some(located), _) => Ok(located),
            (0, _, Some(closest)) => Err(closest.lacking(design)),
            (_, Some(last), _) => {
                let scopes = best.iter().chain([&last]).map(|l| l.scope.as_str());
                Err(format!(
                    "{} instances have the nets of {top}: {}; `--scope` takes one of them",
                    best.len() + 1,
                    scopes.take(SHOWN).collect::<Vec<_>>().join(", "),
                ))
            }
            _ => Err(format!("no instance has a net of {top}")),
        }
    }

    /// Instances that share most names with the top module, outer ones first.
    fn candidates(&self, design: &GateDesign) -> Vec<usize> {
        let module = &design.flat.netlist.modules[design.flat.netlist.top];
        let names = module.aliases.iter().map(|(name, _)| name.as_str());
        let bases = names.clone().filter_map(|name| Some(split_index(name)?.0));
        let names: HashSet<&str> = names.chain(bases).collect();
        let count =
            |i: &Instance| i.variables.keys().filter(|name| names.contains(&***name)).count();
        let counts = self.instances.iter().map(count).enumerate();
        let mut shared: Vec<(usize, usize)> = counts.filter(|(_, count)| *count > 0).collect();
        shared.sort_by_key(|&(at, count)| (Reverse(count), self.instances[at].path.len()));
        shared.into_iter().take(MOST_CANDIDATES).map(|(at, _)| at).collect()
    }

    /// The nets of `design` if the instance `scope` is its top.
    fn below(&self, design: &GateDesign, scope: &str) -> Located {
        let mut bits = vec![None; design.nets()];
        let mut names = 0;
        for own in &design.flat.scopes {
            let path = match (scope, own.path.as_str()) {
                (scope, "") => scope.to_string(),
                ("", own) => own.to_string(),
                (scope, own) => format!("{scope}.{own}"),
            };
            let Some(&at) = self.index.get(path.as_str()) else { continue };
            for (name, local) in &design.flat.netlist.modules[own.module_index].aliases {
                if let Some(bit) = self.instances[at].find(name) {
                    names += 1;
                    bits[own.nets[*local as usize] as usize].get_or_insert(bit);
                }
            }
        }
        let (mut driven, mut found) = (0usize, 0usize);
        for net in design.driven() {
            driven += 1;
            found += usize::from(bits[net as usize].is_some());
        }
        let coverage = if driven > 0 { found as f64 / driven as f64 } else { 1.0 };
        Located { scope: scope.to_string(), coverage, bits, names }
    }

    fn no_instance(&self, scope: &str) -> String {
        let paths = || self.instances.iter().map(|i| &*i.path).filter(|path| !path.is_empty());
        let mut text = format!("no instance {scope}");
        if let Some(near) = nearest(scope, paths()) {
            text += &format!("; did you mean {near}?");
        } else if self.instances.is_empty() {
            text += "; there is none at all";
        } else {
            let some: Vec<&str> = paths().take(SHOWN).collect();
            let more = paths().count() - some.len();
            text += &format!("; there are {}", some.join(", "));
            if more > 0 {
                text += &format!(" and {more} more");
            }
        }
        text
    }
}

impl Instance {
    /// The bit with a name of a netlist: `a`, or `a[3]` as a variable of its own or as a bit of `a`.
    fn find(&self, name: &str) -> Option<BitOf> {
        match self.variables.get(name) {
            Some((number, Bits { width: 1, .. })) => return Some((*number, 0)),
            Some(_) => return None,
            None => {}
        }
        let (base, index) = split_index(name)?;
        let (number, bits) = self.variables.get(base)?;
        Some((*number, bits.place(index)?))
    }
}

/// Splits `a[3]` into `a` and 3.
pub(super) fn split_index(name: &str) -> Option<(&str, i64)> {
    let (base, index) = name.strip_suffix(']')?.rsplit_once('[')?;
    Some((base, index.parse().ok()?))
}

impl Located {
    /// Describes that the design is not all there.
    fn lacking(&self, design: &GateDesign) -> String {
        let missing = design.driven().filter(|&net| self.bits[net as usize].is_none());
        let some: Vec<String> = missing.take(SHOWN).map(|n| design.flat.net_name(n)).collect();
        let inside = match self.scope.as_str() {
            "" => String::new(),
            scope => format!(" in instance {scope}"),
        };
        // Yosys gives its own names of nets others when it writes Verilog.
        let hint = if some.iter().any(|name| name.contains('$')) {
            "; names with `$` are those of the netlist where Yosys wrote the simulated Verilog with `-norename`"
        } else {
            ""
        };
        format!(
            "only {:.1} % of the nets of {} have figures{inside}, at least {:.0} % are needed; missing are {}{hint}",
            self.coverage * 100.0,
            design.flat.top_name(),
            LEAST_COVERAGE * 100.0,
            some.join(", ")
        )
    }
}
