//! A probability as people write it: `1/3` where it is a simple fraction, else a decimal.

/// The simplest fraction that a probability stands for. Probabilities come in steps of 2^-31, so that a third is
/// 0.33333333349: a fraction with a small denominator is meant when it is closer than that step allows.
pub fn fraction(p: f64) -> String {
    if p >= 1.0 - 1e-12 {
        return "1".to_owned();
    }
    for q in 2u32..=512 {
        let n = (p * f64::from(q)).round();
        if n >= 1.0 && (p - n / f64::from(q)).abs() < 4e-9 * f64::from(q.min(8)) {
            return format!("{n}/{q}");
        }
    }
    let mut text = format!("{p:.4}");
    while text.ends_with('0') {
        text.pop();
    }
    if text.ends_with('.') { format!("{p:.1e}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::fraction;

    #[test]
    fn chances_of_the_kernel_are_the_fractions_that_were_meant() {
        let third = f64::from(((1u64 << 31) as f64 / 3.0).round() as u32) / f64::from(1u32 << 31);
        assert_eq!(fraction(third), "1/3");
        assert_eq!(fraction((1.0 - third) * 0.5), "1/3");
        assert_eq!(fraction(0.5), "1/2");
        assert_eq!(fraction(1.0), "1");
        assert_eq!(fraction(0.7), "7/10");
        assert_eq!(fraction(0.123_456_7), "0.1235");
        assert_eq!(fraction(0.000_001), "1.0e-6");
    }
}
