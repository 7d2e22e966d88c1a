//! What occurs in trees, and how often at least in as many seeds as are run.

/// The cases, with the number of times that each must have occurred.
pub(crate) const CASES: &[(&str, u64)] = &[
    ("tasks", 25),
    ("shields", 25),
    ("groups", 25),
    ("children", 25),
    ("timeouts", 25),
    ("scopes", 25),
    ("on_cancels", 25),
    ("parts", 25),
    ("clean-ups", 25),
    ("clean-ups nested four deep", 25),
    ("clean-ups whose grace ran out", 25),
    ("clean-ups with trees of their own", 25),
    ("deadlines moved", 25),
    ("drops during a clean-up", 25),
    ("forgotten subtrees", 25),
    ("groups cancelled", 25),
    ("groups that failed", 25),
    ("panics in clean-ups", 25),
    ("requests before the start", 25),
    ("requests during a clean-up", 25),
    ("requests twice", 25),
    ("results that came too late", 25),
    ("results that won", 25),
    ("runners that closed in the midst", 25),
    ("shields that outlive who awaits them", 25),
    ("tasks that never started", 25),
    ("tasks that panicked", 25),
    ("timeouts that expired", 25),
    ("timeouts that expired where the end was asked for", 25),
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
