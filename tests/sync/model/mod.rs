//! Random programs, each step beside a model that is too simple to be wrong. The programs are the same in each
//! run; `PROPTEST_CASES` says how many.

mod permits;
mod signals;
mod values;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// Runs programs of up to 60 steps; of one that fails the shortest is shown.
fn programs<S: Strategy>(step: S, run: impl Fn(Vec<S::Value>) -> Result<(), TestCaseError>) {
    let config = Config { failure_persistence: None, ..Config::default() };
    let config = Config { cases: if cfg!(miri) { 5 } else { config.cases }, ..config };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let steps = proptest::collection::vec(step, 0..60);
    runner.run(&steps, run).unwrap();
}
