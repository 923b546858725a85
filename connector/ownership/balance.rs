//! How shards are spread over workers: a rule that each worker applies by itself to what it sees. Those who see
//! the same come to shares that add up.

use std::collections::BTreeSet;

use shared::domain::ids::WorkerId;

/// What one worker sees.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// How many shards there are.
    pub shards: u16,
    /// Who looks.
    pub me: WorkerId,
    /// The workers that take shards: alive and not draining.
    pub workers: &'a BTreeSet<WorkerId>,
    /// The shards that it holds.
    pub mine: &'a BTreeSet<u16>,
    /// The shards that nobody holds.
    pub free: &'a BTreeSet<u16>,
}

/// What it should do about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moves {
    /// Shards to take. Another may be quicker.
    pub take: Vec<u16>,
    /// Shards to give up.
    pub give: Vec<u16>,
}

/// How many shards a worker should hold: as many as each other, with those that are over going to the workers
/// that have been there longest. None for one that takes no shards.
pub fn quota(shards: u16, workers: &BTreeSet<WorkerId>, me: WorkerId) -> usize {
    let Some(rank) = workers.iter().position(|worker| *worker == me) else { return 0 };
    let (shards, workers) = (usize::from(shards), workers.len());
    shards / workers + usize::from(rank < shards % workers)
}

/// Gives up what is over the worker's share, or takes what it lacks.
pub fn moves(view: View<'_>) -> Moves {
    let quota = quota(view.shards, view.workers, view.me);
    let give = view.mine.iter().rev().take(view.mine.len().saturating_sub(quota)).copied().collect();
    let lacks = quota.saturating_sub(view.mine.len());
    // Each begins at another place, so that workers that look at the same time seldom want the same.
    let rank = view.workers.range(..view.me).count();
    let begin = view.free.len() * rank / view.workers.len().max(1);
    let take = view.free.iter().cycle().skip(begin).take(lacks.min(view.free.len())).copied().collect();
    Moves { take, give }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn worker(n: u8) -> WorkerId {
        WorkerId::derived([n; 32])
    }

    fn held_by(owners: &BTreeMap<u16, WorkerId>, me: WorkerId) -> BTreeSet<u16> {
        owners.iter().filter(|(_, owner)| **owner == me).map(|(shard, _)| *shard).collect()
    }

    /// All look at the same time, then all act, in some order; who comes second to a shard gets none.
    fn round(shards: u16, workers: &[WorkerId], owners: &mut BTreeMap<u16, WorkerId>) -> usize {
        let alive: BTreeSet<_> = workers.iter().copied().collect();
        let free = (0..shards).filter(|shard| !owners.contains_key(shard)).collect();
        let plans: Vec<_> = workers
            .iter()
            .map(|me| {
                let mine = held_by(owners, *me);
                (*me, moves(View { shards, me: *me, workers: &alive, mine: &mine, free: &free }))
            })
            .collect();
        let mut given = 0;
        for (me, plan) in plans {
            for shard in plan.give {
                assert_eq!(owners.remove(&shard), Some(me));
                given += 1;
            }
            for shard in plan.take {
                owners.entry(shard).or_insert(me);
            }
        }
        given
    }

    proptest! {
        #[test]
        fn shares_add_up_and_differ_by_one_at_most(
            shards in 1..200_u16, ids in prop::collection::btree_set(any::<u8>(), 1..20),
        ) {
            let workers: BTreeSet<_> = ids.into_iter().map(worker).collect();
            let shares: Vec<_> = workers.iter().map(|me| quota(shards, &workers, *me)).collect();
            prop_assert_eq!(shares.iter().sum::<usize>(), usize::from(shards));
            prop_assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
        }

        #[test]
        fn from_any_state_every_shard_is_soon_held_with_no_more_moves_than_needed(
            shards in 1..64_u16,
            ids in prop::collection::btree_set(any::<u8>(), 1..8),
            order in any::<prop::sample::Index>(),
            before in prop::collection::vec(prop::option::of(any::<prop::sample::Index>()), 64),
        ) {
            let mut workers: Vec<_> = ids.into_iter().map(worker).collect();
            let alive: BTreeSet<_> = workers.iter().copied().collect();
            let turn = order.index(workers.len());
            workers.rotate_left(turn);
            let mut owners: BTreeMap<u16, WorkerId> = (0..shards)
                .filter_map(|shard| Some((shard, *before[usize::from(shard)]?.get(&workers))))
                .collect();
            let over: usize = workers
                .iter()
                .map(|me| held_by(&owners, *me).len().saturating_sub(quota(shards, &alive, *me)))
                .sum();
            let mut given = 0;
            // Workers that lack the same shard come to different ones in the next round.
            for _ in 0..=workers.len() + 1 {
                given += round(shards, &workers, &mut owners);
            }
            prop_assert_eq!(owners.len(), usize::from(shards), "every shard is held");
            prop_assert_eq!(given, over, "only what was over a share has moved");
            for me in &workers {
                prop_assert_eq!(held_by(&owners, *me).len(), quota(shards, &alive, *me));
            }
            prop_assert_eq!(round(shards, &workers, &mut owners), 0, "and it stays so");
        }

        #[test]
        fn a_worker_that_comes_or_goes_moves_one_share_at_most(shards in 1..64_u16, count in 1..8_u8) {
            let workers: Vec<_> = (0..count).map(worker).collect();
            let mut owners = BTreeMap::new();
            for _ in 0..=count {
                round(shards, &workers, &mut owners);
            }
            let more: Vec<_> = (0..=count).map(worker).collect();
            let mut given = 0;
            for _ in 0..=count + 1 {
                given += round(shards, &more, &mut owners);
            }
            prop_assert_eq!(given, usize::from(shards) / more.len());
        }
    }

    #[test]
    fn a_worker_that_drains_gives_all_and_takes_nothing() {
        let (me, other) = (worker(1), worker(2));
        let workers = BTreeSet::from([other]);
        let (mine, free) = (BTreeSet::from([0, 2]), BTreeSet::from([1]));
        let plan = moves(View { shards: 4, me, workers: &workers, mine: &mine, free: &free });
        assert_eq!(plan, Moves { take: Vec::new(), give: vec![2, 0] });
        let nobody = BTreeSet::new();
        let plan = moves(View { shards: 4, me, workers: &nobody, mine: &mine, free: &free });
        assert_eq!(plan.give.len(), 2);
    }
}
