//! One document as a tree of nodes, aliases and all. The parser is libyaml's, as kubectl's is.

use std::collections::HashMap;

use libyaml_safer::{EventData, MappingStyle, Parser, ScalarStyle, SequenceStyle};

/// The limit of nesting, and of aliases within aliases: no sensible document exceeds it, and recursion has an end.
pub const DEEPEST: usize = 100;

/// Which node.
pub type Id = usize;

/// One node, and the line below the document's first where it begins.
#[derive(Debug)]
pub struct Node {
    /// How many lines below.
    pub line: usize,
    /// What.
    pub content: Content,
}

/// What a node is.
#[derive(Debug)]
pub enum Content {
    /// A text, and what says how to read it.
    Scalar {
        /// The text.
        text: String,
        /// Its tag, in full.
        tag: Option<String>,
        /// Whether it stands without quotes and tag.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Id>),
    /// Keys and values.
    Mapping(Vec<(Id, Id)>),
    /// Another node, again.
    Alias(Id),
}

/// What is wrong, and how many lines below the document's first.
pub type Trouble = (usize, String);

/// A document.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    /// Where text follows the document that isn't read.
    pub unread: Option<usize>,
}

impl Tree {
    /// Reads the first document of a text.
    pub fn parse(text: &str) -> Result<Self, Trouble> {
        // Where the parser's own code fails, which it does at odd tags, kubectl can't read the text either.
        std::panic::catch_unwind(|| {
            let mut parser = Parser::new();
            parser.set_input(text.as_bytes());
            let mut composer = Composer {
                parser,
                tree: Self::default(),
                anchors: HashMap::new(),
            };
            composer.document()?;
            Ok(composer.tree)
        })
        .unwrap_or_else(|_| Err((0, "it can't be parsed".to_owned())))
    }

    /// The document's own node, if it says anything.
    pub fn root(&self) -> Option<Id> {
        (!self.nodes.is_empty()).then_some(0)
    }

    /// One node.
    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }
}

struct Composer<'a> {
    parser: Parser<&'a [u8]>,
    tree: Tree,
    anchors: HashMap<String, Id>,
}

impl Composer<'_> {
    fn next(&mut self) -> Result<(usize, EventData), Trouble> {
        let event = self.parser.parse().map_err(|error| {
            let mark = error.problem_mark().or_else(|| error.context_mark());
            let line = mark.map_or(0, |mark| below(mark.line));
            (line, error.problem().to_owned())
        })?;
        Ok((below(event.start_mark.line), event.data))
    }

    fn document(&mut self) -> Result<(), Trouble> {
        self.next()?;
        if let (_, EventData::DocumentStart { .. }) = self.next()? {
            let first = self.next()?;
            self.node(first, 0, false)?;
            self.next()?;
            // kubectl reads no further, so it doesn't matter whether what follows can be read.
            self.tree.unread = match self.next() {
                Ok((_, EventData::StreamEnd)) => None,
                Ok((line, _)) | Err((line, _)) => Some(line),
            };
        }
        Ok(())
    }

    /// A node and all below it; `flow` when it lies within braces or brackets.
    fn node(
        &mut self,
        (line, event): (usize, EventData),
        depth: usize,
        flow: bool,
    ) -> Result<Id, Trouble> {
        if depth > DEEPEST {
            return Err((line, format!("it is nested deeper than {DEEPEST} levels")));
        }
        let id = self.tree.nodes.len();
        let content = Content::Sequence(Vec::new());
        self.tree.nodes.push(Node { line, content });
        let content = match event {
            EventData::Alias { anchor } => {
                let target = self.anchors.get(&anchor);
                Content::Alias(*target.ok_or((line, format!("there is no anchor {anchor:?}")))?)
            }
            EventData::Scalar {
                anchor,
                tag,
                value,
                plain_implicit,
                style,
                ..
            } => {
                if flow && style == ScalarStyle::Plain && value.contains('?') {
                    let why = "within braces or brackets kubectl reads a ? as the mark of a key. Quote the value";
                    return Err((line, why.to_owned()));
                }
                self.name(anchor, id);
                Content::Scalar {
                    text: value,
                    tag,
                    plain: plain_implicit,
                }
            }
            EventData::SequenceStart { anchor, style, .. } => {
                let flow = style == SequenceStyle::Flow;
                self.name(anchor, id);
                let mut items = Vec::new();
                while let Some(item) = self.child(depth, flow)? {
                    items.push(item);
                }
                Content::Sequence(items)
            }
            EventData::MappingStart { anchor, style, .. } => {
                let flow = style == MappingStyle::Flow;
                self.name(anchor, id);
                let mut members = Vec::new();
                while let Some(key) = self.child(depth, flow)? {
                    let value = self.next()?;
                    members.push((key, self.node(value, depth + 1, flow)?));
                }
                Content::Mapping(members)
            }
            _ => return Err((line, "something is missing here".to_owned())),
        };
        self.tree.nodes[id].content = content;
        Ok(id)
    }

    /// The next node below one, until it ends.
    fn child(&mut self, depth: usize, flow: bool) -> Result<Option<Id>, Trouble> {
        match self.next()? {
            (_, EventData::SequenceEnd | EventData::MappingEnd) => Ok(None),
            event => self.node(event, depth + 1, flow).map(Some),
        }
    }

    /// An anchor counts from where it stands, also within its own node.
    fn name(&mut self, anchor: Option<String>, id: Id) {
        self.anchors.extend(anchor.map(|anchor| (anchor, id)));
    }
}

fn below(line: u64) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}
