//! Why an operator is not imported.

/// Functions of each value.
const FUNCTIONS: &[&str] = &[
    "Abs",
    "Acos",
    "Acosh",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "Celu",
    "Cos",
    "Cosh",
    "Elu",
    "Erf",
    "Exp",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "LeakyRelu",
    "Log",
    "Mish",
    "PRelu",
    "Pow",
    "Reciprocal",
    "Selu",
    "Shrink",
    "Sign",
    "Sin",
    "Sinh",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Swish",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
];

/// Reasons that hold for several operators.
const REASONS: &[(&[&str], &str)] = &[
    (
        &["Attention", "MultiHeadAttention", "RotaryEmbedding", "FlexAttention"],
        "attention multiplies computed tensors with each other; the accelerator multiplies data by constant weights",
    ),
    (
        &[
            "GroupNormalization",
            "InstanceNormalization",
            "LayerNormalization",
            "LpNormalization",
            "LRN",
            "MeanVarianceNormalization",
            "RMSNormalization",
            "SimplifiedLayerNormalization",
        ],
        "a normalization by statistics of the data; supported: BatchNormalization, whose factors are constants",
    ),
    (
        &["GRU", "LSTM", "RNN", "Scan", "Loop", "If"],
        "recurrence and control flow; supported: networks whose layers run once, in a fixed order",
    ),
    (
        &[
            "DynamicQuantizeLinear",
            "DynamicQuantizeMatMul",
            "DynamicQuantizeLSTM",
            "MatMulIntegerToFloat",
        ],
        "dynamic quantization: scales are computed from the data; quantize with static scales (quantize_static)",
    ),
    (
        &["ConvInteger", "MatMulInteger"],
        "integers without a scale, as dynamic quantization writes; quantize with static scales (quantize_static)",
    ),
    (
        &[
            "ConvTranspose",
            "DepthToSpace",
            "Resize",
            "Upsample",
            "MaxUnpool",
            "GridSample",
            "CenterCropPad",
        ],
        "it enlarges the feature map; no layer of the accelerator has more rows or columns than its input",
    ),
    (
        &[
            "Gather",
            "GatherElements",
            "GatherND",
            "ScatterElements",
            "ScatterND",
            "OneHot",
            "TopK",
            "NonZero",
        ],
        "it selects values by computed positions or outside of channels, rows and columns",
    ),
];

/// The reason against an operator of which nothing is known.
pub const UNKNOWN: &str = "unknown operator";

/// The reason why `op_type` is not imported.
pub(super) fn reason(op_type: &str) -> String {
    if FUNCTIONS.contains(&op_type) {
        return "a function of each value, for which the accelerator has no table yet; supported: Relu, Clip, and Sigmoid \
                and Softmax at the end (on the host)"
            .into();
    }
    let known = REASONS.iter().find(|(names, _)| names.contains(&op_type));
    known.map_or_else(|| UNKNOWN.to_owned(), |(_, reason)| (*reason).to_owned())
}

/// The reason why `op_type` of another domain is not imported.
pub(crate) fn foreign(domain: &str, op_type: &str) -> String {
    let known = REASONS.iter().find(|(names, _)| names.contains(&op_type));
    let plain = || format!("operator of domain `{domain}`; supported: the standard operators");
    known.map_or_else(plain, |(_, reason)| (*reason).to_owned())
}
