//! A tree of nodes into JSON: aliases are followed, merge keys are merged, and keys become texts, as kubectl does.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    Document, Remark, scalar,
    tree::{Content, DEEPEST, Id, Tree, Trouble},
};

/// Nodes that a document may have with aliases followed. More is a mistake, or meant to choke the reader.
const MOST: usize = 400_000;

/// A document with `first` as its first line in the file.
pub fn document(tree: &Tree, first: usize) -> Result<Document, Trouble> {
    let mut expander = Expander {
        tree,
        first,
        within: Vec::new(),
        depth: 0,
        read: 0,
        document: Document {
            line: first,
            ..Document::default()
        },
    };
    if let Some(root) = tree.root() {
        expander.document.value = expander.value(root, "")?;
    }
    if let Some(line) = tree.unread {
        expander.remark(
            "",
            line,
            "kubectl ignores what follows here, up to the next ---".to_owned(),
        );
    }
    Ok(expander.document)
}

struct Expander<'a> {
    tree: &'a Tree,
    first: usize,
    /// The aliases that are being followed.
    within: Vec<Id>,
    depth: usize,
    read: usize,
    document: Document,
}

impl Expander<'_> {
    fn value(&mut self, id: Id, path: &str) -> Result<Value, Trouble> {
        let line = self.tree.node(id).line;
        (self.read, self.depth) = (self.read + 1, self.depth + 1);
        if self.read > MOST || self.depth > DEEPEST {
            return Err((
                line,
                "its aliases expand to a document that is too large".to_owned(),
            ));
        }
        let at = self.document.lines.entry(path.to_owned());
        at.or_insert(self.first + line);
        let value = self.content(id, path);
        self.depth -= 1;
        value
    }

    fn content(&mut self, id: Id, path: &str) -> Result<Value, Trouble> {
        let node = self.tree.node(id);
        match &node.content {
            Content::Scalar { text, tag, plain } => {
                let value = scalar::resolve(text, tag.as_deref(), *plain);
                let value = value.map_err(|why| (node.line, why))?;
                if *plain && scalar::is_odd(text, &value) {
                    let says = format!(
                        "{text} is read as {value} by kubectl. Quote it if it is meant as it stands there"
                    );
                    self.remark(path, node.line, says);
                }
                Ok(value)
            }
            Content::Sequence(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(at, item)| self.value(*item, &below(path, &at.to_string())))
                    .collect()
            }
            Content::Mapping(_) => {
                let mut members = Map::new();
                self.members(id, path, &mut members)?;
                Ok(Value::Object(members))
            }
            Content::Alias(target) => {
                self.enter(id)?;
                let value = self.value(*target, path);
                self.within.pop();
                value
            }
        }
    }

    /// Follows an alias.
    fn enter(&mut self, alias: Id) -> Result<(), Trouble> {
        if self.within.contains(&alias) || self.within.len() >= DEEPEST {
            let line = self.tree.node(alias).line;
            return Err((line, "an anchor contains itself".to_owned()));
        }
        self.within.push(alias);
        Ok(())
    }

    /// Adds the members of a mapping to those that are there; later ones win, as in kubectl.
    fn members(&mut self, id: Id, path: &str, all: &mut Map<String, Value>) -> Result<(), Trouble> {
        let node = self.tree.node(id);
        let members = match &node.content {
            Content::Mapping(members) => members,
            Content::Alias(target) => {
                self.enter(id)?;
                let outcome = self.members(*target, path, all);
                self.within.pop();
                return outcome;
            }
            _ => return Err((node.line, "<< merges only mappings".to_owned())),
        };
        let mut own = BTreeSet::new();
        for (key, value) in members {
            if self.is_merge(*key) {
                self.merge(*value, path, all, &own)?;
                continue;
            }
            let name = self.name(*key, path)?;
            let at = below(path, &name);
            let line = self.tree.node(*key).line;
            self.document.lines.insert(at.clone(), self.first + line);
            let value = self.value(*value, &at)?;
            all.insert(name.clone(), value);
            if !own.insert(name) {
                self.remark(
                    &at,
                    line,
                    "it is written more than once, and kubectl uses the last one".to_owned(),
                );
            }
        }
        Ok(())
    }

    fn is_merge(&self, key: Id) -> bool {
        matches!(&self.tree.node(key).content, Content::Scalar { text, tag, plain } if text == "<<"
            && (*plain || tag.as_deref() == Some("tag:yaml.org,2002:merge")))
    }

    /// Merges a mapping, or several of which the first wins.
    fn merge(
        &mut self,
        id: Id,
        path: &str,
        all: &mut Map<String, Value>,
        own: &BTreeSet<String>,
    ) -> Result<(), Trouble> {
        let before = all.clone();
        match &self.tree.node(id).content {
            Content::Sequence(items) => {
                for item in items.iter().rev() {
                    self.members(*item, path, all)?;
                }
            }
            _ => self.members(id, path, all)?,
        }
        for name in own
            .iter()
            .filter(|name| before.get(*name) != all.get(*name))
        {
            let line = self.tree.node(id).line;
            let says = "<< follows it, so kubectl uses the merged value".to_owned();
            self.remark(&below(path, name), line, says);
        }
        Ok(())
    }

    /// A key as a text.
    fn name(&mut self, key: Id, path: &str) -> Result<String, Trouble> {
        let line = self.tree.node(key).line;
        match self.value(key, path)? {
            Value::String(name) => Ok(name),
            Value::Bool(name) => Ok(name.to_string()),
            Value::Number(name) => Ok(name.to_string()),
            _ => Err((line, format!("a key of {path:?} isn't a string"))),
        }
    }

    fn remark(&mut self, path: &str, line: usize, says: String) {
        self.document.remarks.push(Remark {
            path: path.to_owned(),
            line: self.first + line,
            says,
        });
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
