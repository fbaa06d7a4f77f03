//! The schema beside what existing clients know of it.

use std::collections::BTreeSet;

use async_graphql::parser::{
    parse_schema,
    types::{TypeKind, TypeSystemDefinition},
};

/// Every type, field, argument and value of a schema, a line each.
fn lines(schema: &str) -> BTreeSet<String> {
    let document = parse_schema(schema).unwrap();
    let mut lines = BTreeSet::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let name = definition.node.name.node;
        match definition.node.kind {
            TypeKind::Scalar => {
                lines.insert(format!("scalar {name}"));
            }
            TypeKind::Object(object) => {
                for field in object.fields {
                    let field = field.node;
                    let path = format!("type {name}.{}", field.name.node);
                    lines.insert(format!("{path}: {}", field.ty.node));
                    for argument in field.arguments {
                        let argument = argument.node;
                        let at = format!("{path}({})", argument.name.node);
                        lines.insert(format!("{at}: {}", argument.ty.node));
                    }
                }
            }
            TypeKind::InputObject(input) => {
                for field in input.fields {
                    let field = field.node;
                    let at = format!("input {name}.{}", field.name.node);
                    lines.insert(format!("{at}: {}", field.ty.node));
                }
            }
            TypeKind::Enum(all) => {
                for value in all.values {
                    lines.insert(format!("enum {name}.{}", value.node.value.node));
                }
            }
            TypeKind::Interface(_) | TypeKind::Union(_) => {}
        }
    }
    lines
}

#[test]
fn what_existing_clients_know_is_there_as_they_know_it() {
    let ours = lines(&super::graphql_sdl());
    let known = lines(include_str!("known.graphql"));
    assert!(known.len() > 60, "{known:?}");
    let missing: Vec<_> = known.difference(&ours).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn what_is_added_to_inputs_that_clients_know_may_be_left_out() {
    let known = lines(include_str!("known.graphql"));
    let inputs: BTreeSet<&str> = known
        .iter()
        .filter_map(|line| line.strip_prefix("input ")?.split('.').next())
        .collect();
    for line in lines(&super::graphql_sdl()).difference(&known) {
        let of = line
            .strip_prefix("input ")
            .and_then(|line| line.split('.').next());
        if of.is_some_and(|of| inputs.contains(of)) {
            assert!(!line.ends_with('!'), "{line}");
        }
    }
}

#[test]
fn everything_is_described() {
    let sdl = super::graphql_sdl();
    let document = parse_schema(sdl).unwrap();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let name = definition.node.name.node;
        if let TypeKind::Object(object) = definition.node.kind {
            for field in object.fields {
                let field = field.node;
                assert!(field.description.is_some(), "{name}.{}", field.name.node);
            }
        }
    }
}
