//! Where a subject is a member: its organizations, each with the block of cells that decides there.

use uuid::Uuid;

/// This many organizations lie in the subject itself, without a pointer to follow.
const NEAR: usize = 4;

/// The number of a block of cells.
pub(crate) type BlockId = usize;

/// Organizations, each with its block. Few are looked through one by one; many lie in a table, in which an id is
/// near the place that its own bits name.
///
/// The order of the fields is that of memory, see [`crate::PreparedSubject`].
#[derive(Debug, Clone)]
#[repr(C)]
pub(crate) struct Places {
    near_count: u8,
    near_blocks: [u8; NEAR],
    near: [u128; NEAR],
    /// Empty if all organizations are near; else twice as many slots as organizations or more, a power of two.
    far: Box<[Slot]>,
    /// By the index of the organization.
    blocks: Box<[u32]>,
}

/// An organization with its block, or (without a block) nothing.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    org: u128,
    block: Option<u32>,
}

impl Places {
    /// Different organizations with their blocks.
    pub(crate) fn new(orgs: &[Uuid], blocks: &[u32]) -> Self {
        let mut places = Self {
            near_count: 0,
            near_blocks: [0; NEAR],
            near: [0; NEAR],
            far: Box::default(),
            blocks: blocks.into(),
        };
        if orgs.len() > NEAR {
            places.fill_far(orgs, blocks);
            return places;
        }
        let slots = places.near.iter_mut().zip(&mut places.near_blocks);
        for ((slot, slot_block), (org, block)) in slots.zip(orgs.iter().zip(blocks)) {
            *slot = org.as_u128();
            // Four organizations have at most four blocks.
            *slot_block = u8::try_from(*block).unwrap_or(u8::MAX);
            places.near_count += 1;
        }
        places
    }

    fn fill_far(&mut self, orgs: &[Uuid], blocks: &[u32]) {
        let size = (orgs.len() * 2).next_power_of_two();
        let mut far = vec![Slot::default(); size];
        for (org, block) in orgs.iter().map(Uuid::as_u128).zip(blocks) {
            let is_free = |slot: &usize| far.get(*slot).is_some_and(|slot| slot.block.is_none());
            let free = probe(org, size).find(is_free);
            if let Some(slot) = free.and_then(|slot| far.get_mut(slot)) {
                *slot = Slot {
                    org,
                    block: Some(*block),
                };
            }
        }
        self.far = far.into();
    }

    /// The block of an organization; nothing if the subject is no member of it.
    #[inline]
    pub(crate) fn block(&self, org: Uuid) -> Option<BlockId> {
        let org = org.as_u128();
        if self.near_count == 0 {
            return self.far_block(org);
        }
        // Every slot is looked at, so that there is no jump to guess; unused ones lie behind the count.
        let mut found = None;
        for (index, (slot, block)) in (0..).zip(self.near.iter().zip(&self.near_blocks)) {
            if *slot == org && index < self.near_count {
                found = Some(BlockId::from(*block));
            }
        }
        found
    }

    #[inline]
    fn far_block(&self, org: u128) -> Option<BlockId> {
        for slot in probe(org, self.far.len()) {
            let slot = self.far.get(slot)?;
            let block = slot.block?;
            if slot.org == org {
                return BlockId::try_from(block).ok();
            }
        }
        None
    }

    /// The block of the organization at an index of the sorted organizations.
    pub(crate) fn block_at(&self, index: usize) -> Option<BlockId> {
        let block = self.blocks.get(index).copied()?;
        BlockId::try_from(block).ok()
    }
}

/// The slots to look at, one after the other, from where the last bits of the id say: they are random in ids
/// that are made here.
#[inline]
fn probe(org: u128, size: usize) -> impl Iterator<Item = usize> {
    let mask = size.wrapping_sub(1);
    let bits = usize::try_from(org & u128::from(u32::MAX)).unwrap_or_default();
    (0..size).map(move |step| bits.wrapping_add(step) & mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_organization_has_its_block_and_no_other_has_one() {
        for (count, stride) in [
            (0_u32, 10),
            (1, 10),
            (3, 10),
            (4, 10),
            (5, 10),
            (100, 10),
            (9, 256),
        ] {
            let orgs: Vec<_> = (0..count)
                .map(|n| Uuid::from_u128(u128::from(n) * stride))
                .collect();
            let blocks: Vec<_> = (0..count).map(|n| n % 3 + 2).collect();
            let places = Places::new(&orgs, &blocks);
            for n in 0..stride * 101 {
                let place = n % stride == 0 && n / stride < u128::from(count);
                let expected = place.then(|| BlockId::try_from(n / stride % 3 + 2).unwrap());
                let found = places.block(Uuid::from_u128(n));
                assert_eq!(found, expected, "{n} of {count}");
            }
            for (index, block) in blocks.iter().enumerate() {
                assert_eq!(places.block_at(index), BlockId::try_from(*block).ok());
            }
        }
    }
}
