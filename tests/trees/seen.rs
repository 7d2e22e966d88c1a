//! What occurs in trees, and how often at least in as many seeds as are run.

/// The cases, with the number of times that each must have occurred.
pub(crate) const CASES: &[(&str, u64)] = &[
    ("tasks", 1),
    ("shields", 1),
    ("groups", 1),
    ("children", 1),
    ("timeouts", 1),
    ("scopes", 1),
    ("on_cancels", 1),
    ("parts", 1),
    ("clean-ups", 1),
    ("clean-ups nested four deep", 1),
    ("clean-ups whose grace ran out", 1),
    ("clean-ups with trees of their own", 1),
    ("deadlines moved", 1),
    ("drops during a clean-up", 1),
    ("forgotten subtrees", 1),
    ("groups cancelled", 1),
    ("groups that failed", 1),
    ("panics in clean-ups", 1),
    ("requests before the start", 1),
    ("requests during a clean-up", 1),
    ("requests twice", 1),
    ("results that came too late", 1),
    ("results that won", 1),
    ("runners that closed in the midst", 1),
    ("shields that outlive who awaits them", 1),
    ("tasks that never started", 1),
    ("tasks that panicked", 1),
    ("timeouts that expired", 1),
    ("timeouts that expired where the end was asked for", 1),
    ("reads", 0),
];

/// How often each case has occurred.
pub(crate) type Counts = [u64; CASES.len()];

pub(crate) fn add(all: &mut Counts, seen: Counts) {
    all.iter_mut().zip(seen).for_each(|(all, seen)| *all += seen);
}

/// In one line.
pub(crate) fn figures(seen: &Counts) -> String {
    let each = CASES.iter().zip(seen).map(|((case, _), count)| format!("{count} {case}"));
    each.collect::<Vec<_>>().join(", ")
}

/// Fails if a case has not occurred.
#[track_caller]
pub(crate) fn occurred(seen: &Counts) {
    for ((case, least), count) in CASES.iter().zip(seen) {
        assert!(count >= least, "{case}: only {count} of {least}; {}", figures(seen));
    }
}
