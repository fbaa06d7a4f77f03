//! How large a document is: fields and depth, with fragments as often as they are spread. Measured before anything else
//! looks at the document, since what is short to write may be endless to walk.

use std::collections::HashMap;

use async_graphql::{
    Name,
    parser::types::{
        DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection,
        SelectionSet,
    },
};

/// The most selections that a document may have in all, whichever operation is asked for: what is walked besides.
const MAX_SELECTIONS: u64 = 20_000;

/// How large an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measure {
    /// The number of its fields.
    pub(super) score: u64,
    /// How deep they are nested.
    pub(super) depth: u64,
    /// Whether it asks for nothing but the schema itself.
    pub(super) introspection: bool,
    /// What it does.
    pub(super) kind: OperationType,
}

/// Why a document is not measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Immeasurable {
    /// A fragment spreads itself.
    Loop(String),
    /// It is larger than anything that may be asked.
    Endless(u64),
}

/// The sizes of a part of a document.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    fields: u64,
    selections: u64,
    depth: u64,
}

/// Measures the operation of this name, or the only one; `None` when the document has no such operation, which whoever
/// runs it says.
///
/// # Errors
/// See [`Immeasurable`].
pub(super) fn measure(
    document: &ExecutableDocument,
    operation: Option<&str>,
) -> Result<Option<Measure>, Immeasurable> {
    let mut walk = Walk {
        document,
        fragments: HashMap::new(),
    };
    let mut selections: u64 = 0;
    for name in document.fragments.keys() {
        selections = selections.saturating_add(walk.fragment(name)?.selections);
    }
    for (_, one) in document.operations.iter() {
        let size = walk.set(&one.node.selection_set.node)?;
        selections = selections.saturating_add(size.selections);
    }
    if selections > MAX_SELECTIONS {
        return Err(Immeasurable::Endless(selections));
    }
    let Some(chosen) = chosen(document, operation) else {
        return Ok(None);
    };
    let size = walk.set(&chosen.selection_set.node)?;
    Ok(Some(Measure {
        score: size.fields,
        depth: size.depth,
        introspection: introspects(&chosen.selection_set.node),
        kind: chosen.ty,
    }))
}

fn chosen<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(one), None) => Some(&one.node),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(all), Some(name)) => all.get(name).map(|one| &one.node),
        (DocumentOperations::Multiple(all), None) => {
            let mut all = all.values();
            all.next()
                .filter(|_| all.next().is_none())
                .map(|one| &one.node)
        }
    }
}

/// Whether the root's fields ask for the schema and nothing else.
fn introspects(set: &SelectionSet) -> bool {
    set.items.iter().all(|one| match &one.node {
        Selection::Field(field) => field.node.name.node.starts_with("__"),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
    })
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    /// The sizes of fragments; `None` while one is walked.
    fragments: HashMap<&'a Name, Option<Size>>,
}

impl<'a> Walk<'a> {
    fn fragment(&mut self, name: &Name) -> Result<Size, Immeasurable> {
        let document = self.document;
        let Some((name, fragment)) = document.fragments.get_key_value(name) else {
            // Whoever validates says so.
            return Ok(Size::default());
        };
        match self.fragments.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(Immeasurable::Loop(name.to_string())),
            None => {}
        }
        self.fragments.insert(name, None);
        let size = self.set(&fragment.node.selection_set.node)?;
        self.fragments.insert(name, Some(size));
        Ok(size)
    }

    fn set(&mut self, set: &SelectionSet) -> Result<Size, Immeasurable> {
        let mut size = Size::default();
        for one in &set.items {
            let inner = match &one.node {
                Selection::Field(field) => {
                    let mut inner = self.set(&field.node.selection_set.node)?;
                    inner.fields = inner.fields.saturating_add(1);
                    inner.depth = inner.depth.saturating_add(1);
                    inner
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node)?
                }
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node)?,
            };
            size.fields = size.fields.saturating_add(inner.fields);
            size.selections = size
                .selections
                .saturating_add(inner.selections)
                .saturating_add(1);
            size.depth = size.depth.max(inner.depth);
        }
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn of(text: &str, operation: Option<&str>) -> Result<Option<(u64, u64, bool)>, Immeasurable> {
        let document = parse_query(text).unwrap();
        let found = measure(&document, operation)?;
        Ok(found.map(|found| (found.score, found.depth, found.introspection)))
    }

    #[test]
    fn fields_and_depth_are_counted_with_their_fragments() {
        let check = |text: &str, expected| assert_eq!(of(text, None), Ok(expected), "{text}");
        check("{ a }", Some((1, 1, false)));
        check("{ a { b { c } d } e }", Some((5, 3, false)));
        check("{ ... on Query { a { b } } }", Some((2, 2, false)));
        check(
            "{ a { ...F } b { ...F } } fragment F on T { c d { e } }",
            Some((8, 3, false)),
        );
        check("{ ...Unknown }", Some((0, 0, false)));
        check(
            "{ __schema { types { name } } __typename }",
            Some((4, 3, true)),
        );
        check("{ __typename a }", Some((2, 1, false)));
        check("query A { a } query B { b { c } }", None);
        assert_eq!(
            of("query A { a } query B { b { c } }", Some("B")),
            Ok(Some((2, 2, false)))
        );
        assert_eq!(of("query A { a }", Some("C")), Ok(None));
    }

    #[test]
    fn what_would_never_end_is_not_walked() {
        let looping = "{ ...A } fragment A on T { a { ...B } } fragment B on T { ...A }";
        assert!(matches!(of(looping, None), Err(Immeasurable::Loop(_))));
        let twice = |number| {
            let next = number + 1;
            format!(" fragment F{number} on T {{ ...F{next} ...F{next} }}")
        };
        let fragments: String = (0..40).map(twice).collect();
        let bomb = format!("{{ ...F0 }}{fragments} fragment F40 on T {{ a }}");
        assert!(matches!(of(&bomb, None), Err(Immeasurable::Endless(_))));
        // Also where nobody asks for it.
        let aside = bomb.replacen("{ ...F0 }", "{ a }", 1);
        assert!(matches!(of(&aside, None), Err(Immeasurable::Endless(_))));
    }
}
