//! The loss and its gradient at the logits.
//!
//! Cross entropy with the labels, and the divergence from a teacher's softened outputs (Hinton, Vinyals,
//! Dean: "Distilling the Knowledge in a Neural Network", 2015).

use pecan_net::op::argmax;

/// Targets of the outputs of a batch; at least one is given.
#[derive(Debug)]
pub(super) struct Targets {
    /// Labels and their weight.
    pub(super) labels: Option<(f64, Vec<usize>)>,
    /// Weight, temperature, and the teacher's logits per sample.
    pub(super) teacher: Option<(f64, f64, Vec<Vec<f32>>)>,
}

/// The loss of a batch.
#[derive(Debug)]
pub(super) struct Loss {
    /// Mean over the samples.
    pub(super) value: f64,
    /// Its gradient, `[outputs][B]` as the logits.
    pub(super) gradient: Vec<f32>,
    /// Samples whose largest logit is that of the label, or of the teacher where there are no labels.
    pub(super) hits: usize,
}

/// Logits of sample `at` from `[outputs][B]`.
pub(super) fn sample(logits: &[f32], at: usize, batch: usize) -> Vec<f32> {
    logits.iter().skip(at).step_by(batch.max(1)).copied().collect()
}

/// Logarithms of the normalized exponentials of `logits / temperature`.
pub(super) fn log_softmax(logits: &[f32], temperature: f64) -> Vec<f64> {
    let scaled: Vec<f64> = logits.iter().map(|l| f64::from(*l) / temperature).collect();
    let most = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum = scaled.iter().map(|l| (l - most).exp()).sum::<f64>().ln() + most;
    scaled.iter().map(|l| l - sum).collect()
}

/// The loss of `batch` samples. The divergence is multiplied by the square of the temperature, so that its
/// gradient keeps its magnitude.
pub(super) fn loss(logits: &[f32], batch: usize, targets: &Targets) -> Loss {
    let mut result = Loss { value: 0.0, gradient: vec![0.0; logits.len()], hits: 0 };
    for at in 0..batch {
        let own = sample(logits, at, batch);
        let mut slope = vec![0f64; own.len()];
        let mut expected = None;
        if let Some((weight, temperature, teacher)) = &targets.teacher {
            let (student, teacher) =
                (log_softmax(&own, *temperature), log_softmax(&teacher[at], *temperature));
            for (slope, (s, t)) in slope.iter_mut().zip(student.iter().zip(&teacher)) {
                result.value += weight * temperature * temperature * t.exp() * (t - s);
                *slope += weight * temperature * (s.exp() - t.exp());
            }
            expected = Some(argmax(&teacher));
        }
        if let Some((weight, labels)) = &targets.labels {
            let student = log_softmax(&own, 1.0);
            result.value -= weight * student[labels[at]];
            for (output, (slope, s)) in slope.iter_mut().zip(&student).enumerate() {
                *slope += weight * (s.exp() - f64::from(u8::from(output == labels[at])));
            }
            expected = Some(labels[at]);
        }
        result.hits += usize::from(expected == Some(argmax(&own)));
        for (output, slope) in slope.iter().enumerate() {
            result.gradient[output * batch + at] = (slope / batch as f64) as f32;
        }
    }
    result.value /= batch.max(1) as f64;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_is_that_of_the_value() {
        let logits = [0.3f32, -1.0, 2.0, 0.5, 0.1, -0.4];
        let targets = Targets {
            labels: Some((0.4, vec![2, 0])),
            teacher: Some((0.6, 3.0, vec![vec![1.0, 0.0, -1.0], vec![0.2, 0.9, 0.4]])),
        };
        let exact = loss(&logits, 2, &targets).gradient;
        for at in 0..logits.len() {
            let moved = |by: f32| {
                let mut logits = logits;
                logits[at] += by;
                loss(&logits, 2, &targets).value
            };
            let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!((slope - f64::from(exact[at])).abs() < 1e-4, "{at}: {slope} {}", exact[at]);
        }
    }

    #[test]
    fn equal_outputs_do_not_diverge() {
        let targets = Targets { labels: None, teacher: Some((1.0, 4.0, vec![vec![1.0, 5.0]])) };
        let same = loss(&[1.0, 5.0], 1, &targets);
        assert!(same.value.abs() < 1e-12 && same.hits == 1);
        assert!(same.gradient.iter().all(|g| g.abs() < 1e-7));
    }
}
