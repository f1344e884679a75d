//! No circle among the modules of a crate.
//!
//! A module uses those that its paths from `crate`, `self` or `super` lead to, through re-exports to where a name is declared. A
//! parent's use of its own children isn't counted: it is what the parent is for.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use syn::{
    Attribute, Item, UseTree,
    visit::{self, Visit},
};

use crate::{read, root, sources};

/// A module's name within its crate; the crate itself is empty.
type Module = Vec<String>;

/// The modules of one crate, and who uses whom.
#[derive(Default)]
struct Modules {
    files: BTreeMap<Module, syn::File>,
    /// Where a name that a module re-exports from a child comes from.
    reexports: BTreeMap<(Module, String), Module>,
}

impl Modules {
    fn of(crate_sources: &Path) -> Self {
        let mut modules = Self::default();
        for file in sources(crate_sources) {
            let below = file.strip_prefix(crate_sources).expect("below");
            let mut name: Module = below
                .with_extension("")
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            if name
                .last()
                .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
            {
                name.pop();
            }
            if !name.iter().any(|part| part == "tests") {
                let parsed = syn::parse_file(&read(&file)).expect("Rust");
                modules.files.insert(name, parsed);
            }
        }
        modules.note_reexports();
        modules
    }

    fn note_reexports(&mut self) {
        let mut found = Vec::new();
        for (module, file) in &self.files {
            for item in &file.items {
                let Item::Use(item) = item else { continue };
                for path in leaves(&item.tree) {
                    let child = joined(module, &path[..1]);
                    if let Some(name) = path.last()
                        && self.files.contains_key(&child)
                    {
                        found.push(((module.clone(), name.clone()), child));
                    }
                }
            }
        }
        self.reexports.extend(found);
    }

    /// The module in which a path from the crate's root ends.
    fn resolve(&self, path: &[String]) -> Module {
        let known = (0..=path.len()).rev();
        let mut known = known.filter(|length| self.files.contains_key(&path[..*length]));
        let length = known.next().unwrap_or_default();
        let mut module = path[..length].to_vec();
        if let Some(name) = path.get(length) {
            while let Some(child) = self.reexports.get(&(module.clone(), name.clone())) {
                module.clone_from(child);
            }
        }
        module
    }

    fn uses(&self, module: &Module) -> BTreeSet<Module> {
        let mut paths = Paths::default();
        paths.visit_file(&self.files[module]);
        let paths = paths.0.into_iter();
        paths
            .filter_map(|path| absolute(module, &path))
            .map(|path| self.resolve(&path))
            .filter(|used| used != module)
            .collect()
    }

    /// What is left when every module is taken away that uses none of the rest, or that none of the rest uses.
    fn circles(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let mut left: BTreeMap<Module, BTreeSet<Module>> = self
            .files
            .keys()
            .map(|module| (module.clone(), self.uses(module)))
            .collect();
        loop {
            let used: BTreeSet<Module> = left.values().flatten().cloned().collect();
            let before = left.len();
            left.retain(|module, uses| !uses.is_empty() && used.contains(module));
            let names: BTreeSet<Module> = left.keys().cloned().collect();
            for uses in left.values_mut() {
                uses.retain(|module| names.contains(module));
            }
            if left.len() == before {
                return left;
            }
        }
    }
}

/// Every path of a file, as written.
#[derive(Default)]
struct Paths(BTreeSet<Vec<String>>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.0.extend(leaves(&item.tree));
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !item.attrs.iter().any(is_test) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter();
        self.0
            .insert(segments.map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }
}

fn is_test(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<syn::Ident>()
            .is_ok_and(|condition| condition == "test")
}

/// The names that a `use` brings in, as paths.
fn leaves(tree: &UseTree) -> Vec<Vec<String>> {
    let under = |name: &syn::Ident, below: Vec<Vec<String>>| {
        let name = name.to_string();
        let below = below.into_iter();
        below
            .map(|path| [vec![name.clone()], path].concat())
            .collect()
    };
    match tree {
        UseTree::Path(path) => under(&path.ident, leaves(&path.tree)),
        UseTree::Name(name) => vec![vec![name.ident.to_string()]],
        UseTree::Rename(name) => vec![vec![name.ident.to_string()]],
        UseTree::Glob(_) => vec![Vec::new()],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

fn joined(module: &[String], path: &[String]) -> Module {
    [module, path].concat()
}

/// A path from the crate's root, if it is one of `crate`, `self` or `super`.
fn absolute(module: &[String], path: &[String]) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let path = match first.as_str() {
        "crate" => rest.to_vec(),
        "self" => joined(module, rest),
        "super" => {
            let ups = rest.iter().take_while(|part| *part == "super").count();
            let above = module.len().checked_sub(ups + 1)?;
            joined(&module[..above], &rest[ups..])
        }
        _ => return None,
    };
    Some(path.into_iter().filter(|part| part != "self").collect())
}

#[test]
fn no_module_uses_itself_through_others() {
    let crates = ["api", "core", "platforms", "simulator", "testkit"];
    let crates = crates.map(|name| root().join("crates").join(name).join("src"));
    let mut found = String::new();
    for sources in crates.into_iter().chain([root().join("src")]) {
        let modules = Modules::of(&sources);
        assert!(modules.files.len() > 3, "{}", sources.display());
        let circles = modules.circles();
        let lines = circles.iter().map(|(module, uses)| {
            let uses: Vec<String> = uses.iter().map(|used| used.join("::")).collect();
            format!("{} uses {}\n", module.join("::"), uses.join(", "))
        });
        found.extend(lines);
    }
    assert!(found.is_empty(), "circles:\n{found}");
}
