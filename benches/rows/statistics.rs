//! The median, and how well it is known.

/// Resamples of the bootstrap.
const RESAMPLES: usize = 2_000;

/// A median, and the interval that holds it with a probability of 95 %.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Estimate {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// By the percentile bootstrap: the medians of samples drawn from the values, with replacement.
/// The same values give the same interval.
///
/// # Panics
/// Without values.
pub(crate) fn estimate(values: &[f64]) -> Estimate {
    let mut random = XorShift(0x9e37_79b9_7f4a_7c15);
    let mut drawn = values.to_vec();
    let resample = |_| {
        drawn.fill_with(|| values[random.below(values.len())]);
        median(&mut drawn)
    };
    let mut medians: Vec<f64> = (0..RESAMPLES).map(resample).collect();
    medians.sort_by(f64::total_cmp);
    let tail = RESAMPLES / 40;
    Estimate {
        median: median(&mut values.to_vec()),
        low: medians[tail],
        high: medians[RESAMPLES - 1 - tail],
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { (values[half - 1] + values[half]) / 2.0 }
}

/// Marsaglia's 64-bit generator.
struct XorShift(u64);

impl XorShift {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((u128::from(self.0) * limit as u128) >> 64) as usize
    }
}
