//! The structure of the source: crates, files, dependencies and lengths of functions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A file of a crate's library or binary.
#[derive(Debug)]
pub struct SourceFile {
    /// Path from the root of the workspace.
    pub path: PathBuf,
    /// Crate, as paths in the code write it.
    pub crate_name: String,
    /// Module path below the crate.
    pub module: Vec<String>,
    /// Lines.
    pub lines: usize,
    /// Whether it is compiled for tests only.
    pub test: bool,
    /// Lines of every function that no test attribute marks, by name.
    pub functions: Vec<(String, usize)>,
    /// Parameters of those functions that are tuples, or lists of tuples of three values or more.
    pub tuple_parameters: Vec<TupleParameter>,
    /// Names of types that stand for tuples.
    tuple_names: Vec<String>,
    uses: Vec<Use>,
    modules: Vec<(String, bool)>,
}

/// A parameter of a function whose values have no names.
#[derive(Debug)]
pub struct TupleParameter {
    /// Name of the function.
    pub function: String,
    /// Line of the parameter's type.
    pub line: usize,
    /// Type, where it is a name: a tuple only if the name stands for one.
    name: Option<String>,
}

/// A path that a file names.
#[derive(Debug)]
struct Use {
    path: Vec<String>,
    /// Name after the `use`.
    alias: Option<String>,
    /// A re-export is no dependency.
    public: bool,
}

/// All source files of the workspace.
#[derive(Debug)]
pub struct Sources {
    /// The files.
    pub files: Vec<SourceFile>,
    index: BTreeMap<(String, Vec<String>), usize>,
}

/// Collects the paths that a file names, except those compiled for tests only.
#[derive(Default)]
struct Collector {
    uses: Vec<Use>,
    modules: Vec<(String, bool)>,
    functions: Vec<(String, usize)>,
    tuple_parameters: Vec<TupleParameter>,
    tuple_names: Vec<String>,
}

/// Whether attributes restrict an item to tests.
fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let list = attribute.meta.require_list();
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && list.is_ok_and(|list| list.tokens.to_string().starts_with("test"))
    })
}

fn leaves(tree: &syn::UseTree, prefix: &[String], public: bool, found: &mut Vec<Use>) {
    let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
    match tree {
        syn::UseTree::Path(path) => leaves(&path.tree, &with(&path.ident), public, found),
        syn::UseTree::Group(group) => {
            group.items.iter().for_each(|tree| leaves(tree, prefix, public, found));
        }
        syn::UseTree::Name(name) if name.ident == "self" => {
            found.push(Use { path: prefix.to_vec(), alias: prefix.last().cloned(), public });
        }
        syn::UseTree::Name(name) => {
            found.push(Use {
                path: with(&name.ident),
                alias: Some(name.ident.to_string()),
                public,
            });
        }
        syn::UseTree::Rename(name) => {
            let alias = Some(name.rename.to_string());
            found.push(Use { path: with(&name.ident), alias, public });
        }
        syn::UseTree::Glob(_) => {
            found.push(Use { path: prefix.to_vec(), alias: Some("*".into()), public });
        }
    }
}

/// Whether a parameter of this type hands over values without names: a tuple, or an array, slice or vector of tuples
/// of three values or more. A list of pairs is a map, whose key and value the parameter's name tells.
fn is_tuple(parameter: &syn::Type) -> bool {
    let wide = |element: &syn::Type| matches!(element, syn::Type::Tuple(t) if t.elems.len() > 2);
    match parameter {
        syn::Type::Tuple(tuple) => tuple.elems.len() > 1,
        syn::Type::Reference(reference) => is_tuple(&reference.elem),
        syn::Type::Slice(slice) => wide(&slice.elem),
        syn::Type::Array(array) => wide(&array.elem),
        syn::Type::Path(path) => {
            let last = path.path.segments.last();
            let generic = last.filter(|last| ["Vec", "Option"].contains(&&*last.ident.to_string()));
            let Some(last) = generic else { return false };
            let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else {
                return false;
            };
            let of_option = last.ident == "Option";
            arguments.args.iter().any(|argument| match argument {
                syn::GenericArgument::Type(inner) if of_option => is_tuple(inner),
                syn::GenericArgument::Type(inner) => wide(inner),
                _ => false,
            })
        }
        _ => false,
    }
}

/// The name that a type or a reference to it consists of.
fn alone(parameter: &syn::Type) -> Option<String> {
    match parameter {
        syn::Type::Reference(reference) => alone(&reference.elem),
        syn::Type::Path(path) => {
            let last = path.path.segments.last()?;
            last.arguments.is_none().then(|| last.ident.to_string())
        }
        _ => None,
    }
}

impl Collector {
    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let name = &signature.ident;
        let lines = block.brace_token.span.close().end().line - name.span().start().line + 1;
        self.functions.push((name.to_string(), lines));
    }

    fn parameters(&mut self, signature: &syn::Signature) {
        for input in &signature.inputs {
            let syn::FnArg::Typed(parameter) = input else { continue };
            let name = alone(&parameter.ty);
            if is_tuple(&parameter.ty) || name.is_some() {
                let line = parameter.ty.span().start().line;
                let function = signature.ident.to_string();
                self.tuple_parameters.push(TupleParameter { function, line, name });
            }
        }
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Const(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if let syn::Item::Mod(module) = item
            && module.content.is_none()
        {
            self.modules.push((module.ident.to_string(), for_tests(attributes)));
        } else if !for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let public = !matches!(item.vis, syn::Visibility::Inherited);
        leaves(&item.tree, &[], public, &mut self.uses);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string());
        let path_segments: Vec<String> = segments.collect();
        if path_segments.len() > 1 {
            self.uses.push(Use { path: path_segments, alias: None, public: false });
        }
        visit::visit_path(self, path);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        self.parameters(&item.sig);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        // A trait fixes the parameters of its functions; `visit_trait_item_fn` sees those of this workspace.
        if item.trait_.is_none() {
            for function in &item.items {
                if let syn::ImplItem::Fn(function) = function
                    && !for_tests(&function.attrs)
                {
                    self.parameters(&function.sig);
                }
            }
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        if is_tuple(&item.ty) {
            self.tuple_names.push(item.ident.to_string());
        }
        visit::visit_item_type(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.parameters(&item.sig);
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !for_tests(&item.attrs) {
            self.function(&item.sig, &item.block);
            visit::visit_impl_item_fn(self, item);
        }
    }
}

/// Folders of the workspace's crates, by the names of their libraries.
fn crates(root: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let manifest: toml::Table = std::fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let members = manifest["workspace"]["members"].as_array().context("no members")?;
    let mut found = BTreeMap::new();
    for member in members {
        let folder = PathBuf::from(member.as_str().context("a member is no text")?);
        let text = std::fs::read_to_string(root.join(&folder).join("Cargo.toml"))?;
        let manifest: toml::Table = text.parse()?;
        let name = manifest["package"]["name"].as_str().context("a crate without name")?;
        found.insert(name.replace('-', "_"), folder);
    }
    Ok(found)
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

impl Sources {
    /// Reads the sources of a workspace.
    ///
    /// # Errors
    /// A file cannot be read or is no Rust.
    pub fn read(root: &Path) -> Result<Self> {
        let (mut files, mut index) = (Vec::new(), BTreeMap::new());
        for (crate_name, folder) in crates(root)? {
            let source = root.join(&folder).join("src");
            let mut paths = Vec::new();
            rust_files(&source, &mut paths)?;
            paths.sort();
            for path in paths {
                let file = read(root, &source, &crate_name, &path)?;
                // A binary's `main.rs` has the module path of the library's root.
                index.entry((crate_name.clone(), file.module.clone())).or_insert(files.len());
                files.push(file);
            }
        }
        let mut sources = Self { files, index };
        sources.mark_tests();
        sources.resolve_tuples();
        Ok(sources)
    }

    /// Files below a module that is for tests are for tests.
    fn mark_tests(&mut self) {
        let mut marked = BTreeSet::new();
        for file in &self.files {
            for (name, test) in &file.modules {
                if *test {
                    let module = [&file.module[..], std::slice::from_ref(name)].concat();
                    marked.insert((file.crate_name.clone(), module));
                }
            }
        }
        for file in &mut self.files {
            let above = |n: usize| (file.crate_name.clone(), file.module[..n].to_vec());
            file.test = (1..=file.module.len()).any(|n| marked.contains(&above(n)));
        }
    }

    /// Keeps the parameters whose type is a tuple, by itself or by a name that the workspace gives it.
    fn resolve_tuples(&mut self) {
        for at in 0..self.files.len() {
            let mut parameters = std::mem::take(&mut self.files[at].tuple_parameters);
            parameters.retain(|parameter| {
                let Some(name) = &parameter.name else { return true };
                let home = self.resolve(at, std::slice::from_ref(name), 0).unwrap_or(at);
                self.files[home].tuple_names.contains(name)
            });
            self.files[at].tuple_parameters = parameters;
        }
    }

    /// The file that a path leads to, through re-exports.
    fn resolve(&self, from: usize, path: &[String], depth: usize) -> Option<usize> {
        let file = &self.files[from];
        let (first, rest) = path.split_first()?;
        let home = |module: &[String]| (file.crate_name.clone(), module.to_vec());
        let (mut at, mut rest) = match first.as_str() {
            "crate" => (home(&[]), rest),
            "self" => (home(&file.module), rest),
            "super" => {
                let above = path.iter().take_while(|part| *part == "super").count();
                let kept = file.module.len().checked_sub(above)?;
                (home(&file.module[..kept]), &path[above..])
            }
            name if self.index.contains_key(&(name.to_owned(), Vec::new())) => {
                ((name.to_owned(), Vec::new()), rest)
            }
            name => {
                let child = home(&[&file.module[..], &[name.to_owned()]].concat());
                if self.index.contains_key(&child) {
                    (child, rest)
                } else {
                    let named = |used: &&Use| used.alias.as_deref() == Some(name);
                    let used = file.uses.iter().filter(named).find(|used| used.path != path)?;
                    let longer = [&used.path[..], rest].concat();
                    return if depth > 8 { None } else { self.resolve(from, &longer, depth + 1) };
                }
            }
        };
        while let Some((name, more)) = rest.split_first() {
            let inner = (at.0.clone(), [&at.1[..], std::slice::from_ref(name)].concat());
            if self.index.contains_key(&inner) {
                (at, rest) = (inner, more);
                continue;
            }
            let here = *self.index.get(&at)?;
            let named = |used: &&Use| used.alias.as_ref() == Some(name);
            let Some(used) = self.files[here].uses.iter().find(named) else { return Some(here) };
            let longer = [&used.path[..], more].concat();
            return if depth > 8 {
                Some(here)
            } else {
                self.resolve(here, &longer, depth + 1).or(Some(here))
            };
        }
        self.index.get(&at).copied()
    }

    /// Groups of files with circular dependencies that lie in more than one folder. A module's own file lies in its
    /// folder.
    #[must_use]
    pub fn circles_across_folders(&self) -> Vec<Vec<&Path>> {
        let mut graph: DiGraphMap<usize, ()> = DiGraphMap::new();
        for (from, file) in self.files.iter().enumerate().filter(|(_, file)| !file.test) {
            for used in file.uses.iter().filter(|used| !used.public) {
                if let Some(to) = self.resolve(from, &used.path, 0)
                    && to != from
                {
                    graph.add_edge(from, to, ());
                }
            }
        }
        let folder = |file: &usize| {
            let path = &self.files[*file].path;
            let inner = path.with_extension("");
            let has_children = self.files.iter().any(|other| other.path.starts_with(&inner));
            if has_children { inner } else { path.parent().unwrap_or(path).to_owned() }
        };
        let circles = tarjan_scc(&graph).into_iter().filter(|circle| circle.len() > 1);
        let across =
            circles.filter(|circle| circle.iter().map(folder).collect::<BTreeSet<_>>().len() > 1);
        across
            .map(|circle| circle.iter().map(|f| self.files[*f].path.as_path()).collect())
            .collect()
    }

    /// Lines of every crate.
    #[must_use]
    pub fn lines(&self) -> BTreeMap<&str, usize> {
        let mut lines = BTreeMap::new();
        for file in &self.files {
            *lines.entry(file.crate_name.as_str()).or_default() += file.lines;
        }
        lines
    }
}

fn read(root: &Path, source: &Path, crate_name: &str, path: &Path) -> Result<SourceFile> {
    let text = std::fs::read_to_string(path)?;
    let parsed = syn::parse_file(&text).with_context(|| path.display().to_string())?;
    let mut collector = Collector::default();
    collector.visit_file(&parsed);
    let below = path.strip_prefix(source)?.with_extension("");
    let parts = below.iter().map(|part| part.to_string_lossy().into_owned());
    let mut module: Vec<String> = parts.collect();
    if module.last().is_some_and(|name| ["mod", "lib", "main"].contains(&name.as_str())) {
        module.pop();
    }
    let Collector { uses, modules, functions, tuple_parameters, tuple_names } = collector;
    Ok(SourceFile {
        path: path.strip_prefix(root)?.to_owned(),
        crate_name: crate_name.to_owned(),
        module,
        lines: text.lines().count(),
        test: false,
        functions,
        tuple_parameters,
        tuple_names,
        uses,
        modules,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples_are_seen_behind_references_and_in_lists() {
        let tuple = |text: &str| is_tuple(&syn::parse_str(text).unwrap());
        for text in ["(A, B)", "&(A, B)", "Option<(A, B)>", "&[(A, B, C)]", "[(A, B, C); 2]"] {
            assert!(tuple(text), "{text}");
        }
        for text in ["A", "()", "&[(A, B)]", "Vec<(A, B)>", "[A; 2]", "&dyn Fn((A, B))"] {
            assert!(!tuple(text), "{text}");
        }
    }

    #[test]
    fn functions_of_tests_and_foreign_traits_are_left_out() {
        let text = "fn a(x: &Pair) {} impl A { fn b(&self, x: (u8, u8)) {} } trait T { fn c(x: (u8, u8)); } \
                    impl T for A { fn c(x: (u8, u8)) {} } #[cfg(test)] mod tests { fn d(x: (u8, u8)) {} } \
                    type Pair = (u8, u8);";
        let mut collector = Collector::default();
        collector.visit_file(&syn::parse_file(text).unwrap());
        let found = collector.tuple_parameters.iter();
        let names: Vec<&str> = found.map(|parameter| parameter.function.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(collector.tuple_names, ["Pair"]);
    }
}
