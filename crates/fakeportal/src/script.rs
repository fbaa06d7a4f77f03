//! Which way is next.

use std::collections::{BTreeMap, VecDeque};

use crate::{Operation, Way};

/// The ways that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Of the next requests, each of one operation or of any.
    next: VecDeque<(Option<Operation>, Way)>,
    of: BTreeMap<Operation, Way>,
    then: Option<Way>,
}

impl Script {
    pub(crate) fn next(
        &mut self,
        operation: Option<Operation>,
        ways: impl IntoIterator<Item = Way>,
    ) {
        let ways = ways.into_iter().map(|way| (operation, way));
        self.next.extend(ways);
    }

    pub(crate) fn always(&mut self, operation: Option<Operation>, way: Way) {
        match operation {
            Some(operation) => drop(self.of.insert(operation, way)),
            None => self.then = Some(way),
        }
    }

    /// The way to answer a request.
    pub(crate) fn choose(&mut self, operation: Option<Operation>) -> Way {
        let meant = |(of, _): &(Option<Operation>, Way)| of.is_none() || *of == operation;
        let place = self.next.iter().position(meant);
        if let Some((_, way)) = place.and_then(|place| self.next.remove(place)) {
            return way;
        }
        let of = operation.and_then(|operation| self.of.get(&operation));
        of.or(self.then.as_ref()).cloned().unwrap_or(Way::Well)
    }
}
