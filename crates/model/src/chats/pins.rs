//! Places on top of a list: 1, 2, 3 and so on.

use crate::ChatId;

/// Puts a chat at a place, or takes it off with 0. What is not there yet comes last, wherever it was to be; what is
/// there moves to the place, or to the last one if that is beyond it. The others close up.
pub fn place(order: &mut Vec<ChatId>, id: ChatId, place: u32) {
    let held = order.iter().position(|one| *one == id);
    if let Some(held) = held {
        order.remove(held);
    }
    let index = match (held, usize::try_from(place).unwrap_or(usize::MAX)) {
        (_, 0) => return,
        (None, _) => order.len(),
        (Some(_), place) => place.saturating_sub(1).min(order.len()),
    };
    order.insert(index, id);
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn places_are_closed_up() {
        let check = |before: &[u128], id: u128, to: u32, after: &[u128]| {
            let ids = |numbers: &[u128]| -> Vec<ChatId> {
                let id = |number: &u128| ChatId(Uuid::from_u128(*number));
                numbers.iter().map(id).collect()
            };
            let mut order = ids(before);
            place(&mut order, ChatId(Uuid::from_u128(id)), to);
            assert_eq!(order, ids(after), "{before:?} {id} {to}");
        };
        check(&[], 1, 0, &[]);
        check(&[], 1, 9, &[1]);
        check(&[1, 2], 3, 1, &[1, 2, 3]);
        check(&[1, 2, 3], 2, 0, &[1, 3]);
        check(&[1, 2, 3], 4, 0, &[1, 2, 3]);
        check(&[1, 2, 3], 3, 1, &[3, 1, 2]);
        check(&[1, 2, 3], 1, 2, &[2, 1, 3]);
        check(&[1, 2, 3], 1, 9, &[2, 3, 1]);
        check(&[1, 2, 3], 2, 2, &[1, 2, 3]);
    }
}
