//! Which backups are removed after a new one was written.

/// A backup as the listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub name: String,
    /// Seconds since the epoch.
    pub created: i64,
    /// Its archive begins as a sound one does; what lies behind is read by `backups --verify`.
    pub sound: bool,
}

/// How many and for how long; `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// At least 1.
    pub keep: Option<usize>,
    pub keep_days: Option<u32>,
}

/// Names to remove. `just_written` was verified a moment ago and always stays, whatever the policy and the
/// clock say; so does the newest sound one.
pub fn surplus(backups: &[Kept], just_written: &str, policy: Policy, now: i64) -> Vec<String> {
    let mut newest_first: Vec<&Kept> = backups.iter().collect();
    // It counts as the newest: an older clock may have been ahead.
    let rank = |backup: &Kept| (backup.name == just_written, backup.created, backup.name.clone());
    newest_first.sort_by_key(|backup| std::cmp::Reverse(rank(backup)));
    let last_resort = newest_first.iter().find(|backup| backup.sound).map(|backup| backup.name.as_str());
    let oldest = policy.keep_days.map(|days| now - i64::from(days) * 86_400);
    let mut surplus = Vec::new();
    for (position, backup) in newest_first.iter().enumerate() {
        let one_too_many = policy.keep.is_some_and(|keep| position >= keep.max(1));
        let too_old = oldest.is_some_and(|oldest| backup.created < oldest);
        let stays = backup.name == just_written || last_resort == Some(backup.name.as_str());
        if (one_too_many || too_old) && !stays {
            surplus.push(backup.name.clone());
        }
    }
    surplus
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn backup(age_in_days: i64, sound: bool) -> Kept {
        Kept { name: format!("b{age_in_days:02}"), created: 100 * DAY - age_in_days * DAY, sound }
    }

    fn removed(backups: &[Kept], policy: Policy) -> Vec<String> {
        surplus(backups, "none", policy, 100 * DAY)
    }

    /// A clock that was ahead dated an older backup into the future.
    #[test]
    fn the_one_just_written_stays_whatever_the_clock_said() {
        let backups = [backup(0, true), backup(-30, true), backup(5, true)];
        let policy = Policy { keep: Some(1), keep_days: Some(1) };
        assert_eq!(surplus(&backups, "b00", policy, 100 * DAY), ["b-30", "b05"]);
        let late = surplus(&backups, "b05", policy, 200 * DAY);
        assert!(!late.contains(&"b05".to_owned()), "{late:?}");
    }

    #[test]
    fn the_newest_stay_by_number_and_by_age() {
        let backups: Vec<Kept> = [3, 1, 9, 2].map(|age| backup(age, true)).to_vec();
        assert_eq!(removed(&backups, Policy::default()), Vec::<String>::new());
        assert_eq!(removed(&backups, Policy { keep: Some(2), keep_days: None }), ["b03", "b09"]);
        assert_eq!(removed(&backups, Policy { keep: None, keep_days: Some(2) }), ["b03", "b09"]);
    }

    #[test]
    fn the_newest_sound_one_always_stays() {
        let old = [backup(30, true), backup(20, true)];
        assert_eq!(removed(&old, Policy { keep: None, keep_days: Some(7) }), ["b30"]);
        let broken = [backup(1, false), backup(2, false), backup(3, true), backup(4, true)];
        assert_eq!(removed(&broken, Policy { keep: Some(1), keep_days: None }), ["b02", "b04"]);
        assert_eq!(removed(&broken, Policy { keep: Some(0), keep_days: None }), ["b02", "b04"]);
    }
}
