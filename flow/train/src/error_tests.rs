use super::tests::{lenet_graph, settings, weights};
use super::*;
use pecan_net::Masks;
use pecan_net::testing::digits;

fn problem(change: impl Fn(&mut Settings), set: &Set<'_>, masks: &Masks) -> String {
    let mut graph = lenet_graph();
    let before = weights(&graph);
    let mut settings = settings(1.0);
    change(&mut settings);
    let error = tune(&mut graph, masks, set, &settings, &mut |_| {}).unwrap_err();
    assert!(weights(&graph) == before);
    error.to_string()
}

#[test]
fn errors_say_what_is_wrong() {
    let samples = digits("train_idx", Some(64));
    let inputs = samples.as_slices();
    let labels = samples.labels.clone().unwrap();
    let none = Masks::default();
    let set = Set { inputs: &inputs, labels: Some(&labels), teacher: None };
    let says = |text: String, part: &str| assert!(text.contains(part), "{text}");
    says(problem(|_| {}, &Set { inputs: &[], ..set }, &none), "no sample");
    let short = [&inputs[0][..5]];
    says(
        problem(|_| {}, &Set { inputs: &short, ..set }, &none),
        "has 5 values; the network takes 64",
    );
    let mut wrong = labels.clone();
    wrong[3] = 10;
    let bad = Set { labels: Some(&wrong), ..set };
    says(problem(|_| {}, &bad, &none), "label 10 of sample 3; the network has 10 outputs");
    says(
        problem(|_| {}, &Set { labels: Some(&labels[1..]), ..set }, &none),
        "63 labels; expected 64",
    );
    says(problem(|_| {}, &Set { labels: None, ..set }, &none), "neither labels nor a teacher");
    let masks = Masks([("nothing".to_string(), vec![true])].into());
    says(problem(|_| {}, &set, &masks), "mask for `nothing`");
    says(problem(|s| s.batch = 0, &set, &none), "batch of 0");
    says(problem(|s| s.learning_rate = f64::NAN, &set, &none), "learning rate of NaN");
    says(problem(|s| s.optimizer = Optimizer::Sgd { momentum: 1.0 }, &set, &none), "momentum of 1");
    let diverging = |s: &mut Settings| {
        s.optimizer = Optimizer::SGD;
        (s.learning_rate, s.gradient_norm, s.normalization) = (1e30, f64::INFINITY, false);
        s.epochs = 3.0;
    };
    says(problem(diverging, &set, &none), "learning rate of");
    let mut bad = samples.as_slices()[0].to_vec();
    bad[0] = f32::NAN;
    let inputs: Vec<&[f32]> = vec![&bad; 64];
    let nan = problem(|s| s.normalization = false, &Set { inputs: &inputs, ..set }, &none);
    says(nan, "the loss is NaN in step 1 of 1");
    let teacher = vec![vec![0.0; 9]; 64];
    let set = Set { teacher: Some(Teacher::Logits(&teacher)), ..set };
    let with = |s: &mut Settings| s.distillation = Some(Distillation::default());
    says(problem(with, &set, &none), "9 logits of the teacher; expected 10");
    let teacher = vec![vec![0.0; 10]; 64];
    let set = Set { teacher: Some(Teacher::Logits(&teacher)), ..set };
    let flipped = |s: &mut Settings| {
        s.distillation = Some(Distillation::default());
        s.augmentation = vec![Augmentation::Flip];
    };
    says(problem(flipped, &set, &none), "need it as a network");
}
