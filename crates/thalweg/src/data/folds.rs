//! Folds: parts of the rows, each of which is held out in turn.
//!
//! | rows | folds |
//! | --- | --- |
//! | of classes, or of numbers | dealt out in the order of their keys, class by class |
//! | in groups | whole groups, the largest first, each to the fold that has least of its classes |
//! | by time | m rows in order of time make n folds of ⌊m / (n + 1)⌋ rows, the last ones; each is held out from what is earlier |

use std::collections::BTreeMap;

use super::split;
use crate::error::{Error, Result};

/// One fold, and the rows that are not in it and may be trained on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct HeldOut {
    pub(super) fold: Vec<usize>,
    pub(super) rest: Vec<usize>,
}

impl HeldOut {
    fn in_row_order(mut self) -> HeldOut {
        self.fold.sort_unstable();
        self.rest.sort_unstable();
        self
    }
}

/// Deals some rows out to folds, each stratum evenly; a row that is the only one of its stratum is in none.
pub(super) fn by_key(
    keys: &[u64],
    strata: &[usize],
    mut rows: Vec<usize>,
    [fold, folds]: [usize; 2],
) -> Result<HeldOut> {
    check_count(rows.len(), "rows", folds)?;
    rows.sort_unstable_by_key(|row| (strata[*row], keys[*row], *row));
    let (mut held_out, mut next) = (HeldOut::default(), 0);
    for stratum in rows.chunk_by(|a, b| strata[*a] == strata[*b]) {
        for row in stratum {
            let held = stratum.len() > 1 && next % folds == fold;
            if held { &mut held_out.fold } else { &mut held_out.rest }.push(*row);
            next += usize::from(stratum.len() > 1);
        }
    }
    Ok(held_out.in_row_order())
}

/// Entire groups, by a greedy rule: the largest first (of equal ones by the hash of their names), each to the fold f of
/// the least Σ_c n_c·m_fc / M_c², where n_c, m_fc and M_c are the rows of stratum c in the group, in the fold so far and
/// in all. With one stratum that is the smallest fold.
pub(super) fn by_group(groups: &[&str], strata: &[usize], [fold, folds]: [usize; 2], seed: u64) -> Result<HeldOut> {
    let mut rows_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    groups.iter().enumerate().for_each(|(row, group)| rows_of.entry(group).or_default().push(row));
    check_count(rows_of.len(), "groups", folds)?;
    let mut groups: Vec<(&str, Vec<usize>)> = rows_of.into_iter().collect();
    groups.sort_by_cached_key(|(name, rows)| (std::cmp::Reverse(rows.len()), split::hash(seed, name.as_bytes())));
    let count = strata.iter().max().map_or(0, |most| most + 1);
    let counts = |rows: &mut dyn Iterator<Item = usize>| {
        let mut counts = vec![0.0; count];
        rows.for_each(|row| counts[strata[row]] += 1.0);
        counts
    };
    let all: Vec<f64> = counts(&mut (0..strata.len()));
    let mut filled = vec![(vec![0.0; count], 0); folds];
    let mut held_out = HeldOut::default();
    for (_, rows) in groups {
        let own = counts(&mut rows.iter().copied());
        let alike = |fold: &[f64]| -> f64 {
            (0..count).filter(|c| all[*c] > 0.0).map(|c| own[c] * fold[c] / (all[c] * all[c])).sum()
        };
        let order = |a: &usize, b: &usize| {
            let [a, b] = [a, b].map(|fold| &filled[*fold]);
            alike(&a.0).total_cmp(&alike(&b.0)).then(a.1.cmp(&b.1))
        };
        let chosen = (0..folds).min_by(order).unwrap_or_default();
        filled[chosen].0.iter_mut().zip(&own).for_each(|(sum, own)| *sum += own);
        filled[chosen].1 += rows.len();
        if chosen == fold { &mut held_out.fold } else { &mut held_out.rest }.extend(rows);
    }
    Ok(held_out.in_row_order())
}

/// By time: what is held out is later than all that is trained on, by at least `gap`. The first rows are in no fold.
pub(super) fn by_time(times: &[f64], [fold, folds]: [usize; 2], gap: f64) -> Result<HeldOut> {
    check_count(times.len(), "rows", folds + 1)?;
    let mut rest = split::in_time_order(times);
    let size = rest.len() / (folds + 1);
    let mut held = rest.split_off(rest.len() - (folds - fold) * size);
    held.truncate(size);
    split::leave_gap(&mut rest, &held, times, gap);
    if rest.is_empty() {
        let error = Error::data(format!("no rows are left before fold {fold} of {folds}")).at("--gap");
        return Err(error.fix("make the gap smaller with [gap], or take fewer folds"));
    }
    Ok(HeldOut { fold: held, rest }.in_row_order())
}

fn check_count(found: usize, what: &str, needed: usize) -> Result<()> {
    if found >= needed {
        return Ok(());
    }
    let error = Error::data(format!("found {found} {what}, expected {needed} or more to make folds of"));
    Err(error.fix("take fewer folds, or add rows"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_held_out_once_with_its_classes_share() {
        let keys: Vec<u64> = (0..103_u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let strata: Vec<usize> = (0..103).map(|row| if row == 7 { 2 } else { usize::from(row % 3 == 0) }).collect();
        let folds: Vec<HeldOut> =
            (0..5).map(|fold| by_key(&keys, &strata, (0..103).collect(), [fold, 5]).unwrap()).collect();
        let mut held: Vec<usize> = folds.iter().flat_map(|held| held.fold.clone()).collect();
        held.sort_unstable();
        assert_eq!(held, (0..103).filter(|row| *row != 7).collect::<Vec<_>>(), "a class of one row is never held out");
        for HeldOut { fold, rest } in &folds {
            assert!(fold.len().abs_diff(20) <= 1 && fold.len() + rest.len() == 103 && rest.contains(&7));
            let third = fold.iter().filter(|row| strata[**row] == 1).count();
            assert!((6..=8).contains(&third), "{third} of {}", fold.len());
        }
        assert!(by_key(&keys, &strata, (0..4).collect(), [0, 5]).is_err());
    }

    #[test]
    fn groups_stay_whole_and_folds_are_alike() {
        let names: Vec<String> = (0..400).map(|row: usize| format!("g{}", row * row % 61)).collect();
        let groups: Vec<&str> = names.iter().map(String::as_str).collect();
        let strata: Vec<usize> = (0..400).map(|row: usize| usize::from((row * row % 61).is_multiple_of(4))).collect();
        let all = strata.iter().filter(|stratum| **stratum == 1).count();
        let mut held = Vec::new();
        for fold in 0..4 {
            let HeldOut { fold, rest } = by_group(&groups, &strata, [fold, 4], 9).unwrap();
            assert!(fold.iter().all(|row| rest.iter().all(|other| groups[*row] != groups[*other])));
            assert!(fold.len().abs_diff(100) < 20, "{}", fold.len());
            let ones = fold.iter().filter(|row| strata[**row] == 1).count();
            assert!((4 * ones).abs_diff(all) < all / 2, "{ones} of {all}");
            held.extend(fold);
        }
        held.sort_unstable();
        assert_eq!(held, (0..400).collect::<Vec<_>>());
        assert!(by_group(&groups[..2], &strata[..2], [0, 3], 0).is_err());
    }

    /// Which rows are where is compared with scikit-learn in `tests/golden/confident.rs`.
    #[test]
    fn a_gap_of_all_earlier_rows_is_an_error() {
        let times: Vec<f64> = (0..14).map(f64::from).collect();
        assert_eq!(by_time(&times, [0, 3], 5.0).unwrap().rest, [0]);
        let error = by_time(&times, [0, 3], 6.0).unwrap_err();
        assert!(error.to_string().starts_with("--gap: no rows are left before fold 0 of 3"), "{error}");
    }
}
