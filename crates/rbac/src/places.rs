//! Where a subject is a member: its organizations, each with the block of cells that decides there.

use uuid::Uuid;

/// This many organizations lie in the subject itself, without a pointer to follow.
const NEAR: usize = 4;

/// The number of a block of cells.
pub(crate) type BlockId = usize;

/// Organizations, sorted, each with its block. Few are looked through one by one, many are halved.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    near: [u128; NEAR],
    near_blocks: [u32; NEAR],
    near_count: u32,
    /// All of them, if there are more than fit near.
    far: Box<[u128]>,
    far_blocks: Box<[u32]>,
}

impl Places {
    /// Sorted organizations with their blocks.
    pub(crate) fn new(orgs: &[Uuid], blocks: &[u32]) -> Self {
        let mut places = Self {
            near: [0; NEAR],
            near_blocks: [0; NEAR],
            near_count: 0,
            far: Box::default(),
            far_blocks: Box::default(),
        };
        if orgs.len() > NEAR {
            places.far = orgs.iter().map(Uuid::as_u128).collect();
            places.far_blocks = blocks.into();
            return places;
        }
        let slots = places.near.iter_mut().zip(&mut places.near_blocks);
        for ((slot, slot_block), (org, block)) in slots.zip(orgs.iter().zip(blocks)) {
            (*slot, *slot_block) = (org.as_u128(), *block);
            places.near_count += 1;
        }
        places
    }

    /// The block of an organization; nothing if the subject is no member of it.
    #[inline]
    pub(crate) fn block(&self, org: Uuid) -> Option<BlockId> {
        let org = org.as_u128();
        let block = if self.far.is_empty() {
            // Every slot is looked at, so that there is no jump to guess; unused ones lie behind the count.
            let mut found = None;
            for (index, (slot, block)) in (0..).zip(self.near.iter().zip(&self.near_blocks)) {
                if *slot == org && index < self.near_count {
                    found = Some(*block);
                }
            }
            found
        } else {
            let index = self.far.binary_search(&org).ok()?;
            self.far_blocks.get(index).copied()
        };
        block.and_then(|block| BlockId::try_from(block).ok())
    }

    /// The block of the organization at an index of the sorted organizations.
    pub(crate) fn block_at(&self, index: usize) -> Option<BlockId> {
        let blocks: &[u32] = if self.far.is_empty() {
            &self.near_blocks
        } else {
            &self.far_blocks
        };
        let block = blocks.get(index).copied()?;
        BlockId::try_from(block).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_organization_has_its_block_and_no_other_has_one() {
        for count in [0_u32, 1, 3, 4, 5, 100] {
            let orgs: Vec<_> = (0..count)
                .map(|n| Uuid::from_u128(u128::from(n) * 10))
                .collect();
            let blocks: Vec<_> = (0..count).map(|n| n % 3 + 2).collect();
            let places = Places::new(&orgs, &blocks);
            for n in 0..1010 {
                let place = n % 10 == 0 && n / 10 < u128::from(count);
                let expected = place.then(|| BlockId::try_from(n / 10 % 3 + 2).unwrap());
                assert_eq!(places.block(Uuid::from_u128(n)), expected, "{n} of {count}");
            }
        }
    }
}
