//! Parses lines of topology files.

use std::borrow::Cow;
use std::collections::HashMap;

use pecan_ir::layer::{Shape, Window};
use pecan_text::escape::{escape_name, shorten};

use super::{LayerShape, TopologyError};

/// Largest extent: far above any network's, low enough that products of three do not overflow.
const LIMIT: usize = 1 << 20;
/// Most weights or values of a tensor: four times those of the largest layers of known networks.
pub const MOST_VALUES: usize = 1 << 27;
/// Most multiply-accumulates of a layer.
pub const MOST_MACS: u64 = 1 << 36;
/// Longest field that is shown in a message.
const LONGEST: usize = 60;

/// Meaning of the columns.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Convolution { two_strides: bool },
    Product,
}

/// One line with its position, for errors.
struct Line<'a> {
    origin: &'a str,
    number: usize,
    fields: Vec<Cow<'a, str>>,
}

impl Line<'_> {
    fn fail(&self, column: usize, problem: String) -> TopologyError {
        let (origin, line) = (self.origin.to_string(), self.number);
        TopologyError::Line { origin, line, column: column + 1, problem }
    }

    fn number(&self, column: usize, what: &str) -> Result<usize, TopologyError> {
        let text = self.fields.get(column).map_or("", |field| &**field);
        match text.parse::<usize>() {
            Ok(value) if (1..=LIMIT).contains(&value) => Ok(value),
            _ => {
                let shown = shown(text);
                Err(self.fail(column, format!("{what} is `{shown}`; allowed: 1 to {LIMIT}")))
            }
        }
    }

    fn convolution(&self, two_strides: bool) -> Result<LayerShape, TopologyError> {
        let n = |column, what| self.number(column, what);
        let input = Shape::new(n(5, "channels")?, n(1, "input rows")?, n(2, "input columns")?);
        let kernel = [n(3, "filter rows")?, n(4, "filter columns")?];
        let filters = n(6, "number of filters")?;
        let stride = n(7, "stride")?;
        let stride = [stride, if two_strides { n(8, "stride of columns")? } else { stride }];
        let window = Window { kernel, stride, dilation: [1; 2], pads: [0; 4] };
        if window.output_size(input.height, input.width).is_none() {
            let (h, w) = (input.height, input.width);
            let problem =
                format!("filter {kernel:?} exceeds the input of {h} rows and {w} columns");
            return Err(self.fail(3, problem));
        }
        let depthwise = is_depthwise(&self.fields[0], &input, kernel, filters);
        let (outputs, groups) =
            if depthwise { (input.channels, input.channels) } else { (filters, 1) };
        Ok(LayerShape { name: String::new(), input, outputs, window, groups, sparsity: None })
    }

    /// `[M][K] * [K][N]`: a convolution with a kernel of one value over M pixels.
    fn product(&self) -> Result<LayerShape, TopologyError> {
        let n = |column, what| self.number(column, what);
        let (rows, outputs, inner) = (n(1, "M")?, n(2, "N")?, n(3, "K")?);
        let window = Window { kernel: [1; 2], stride: [1; 2], dilation: [1; 2], pads: [0; 4] };
        let input = Shape::new(inner, rows, 1);
        Ok(LayerShape { name: String::new(), input, outputs, window, groups: 1, sparsity: None })
    }
}

/// `N:M` of a column `Sparsity`, of which N weights in M are not zero; none where the field is empty.
fn sparsity(line: &Line<'_>, column: usize) -> Result<Option<[usize; 2]>, TopologyError> {
    let text = line.fields.get(column).map_or("", |field| field.as_ref());
    if text.is_empty() {
        return Ok(None);
    }
    let numbers = text.split_once(':').and_then(|(n, m)| {
        Some([n.trim().parse::<usize>().ok()?, m.trim().parse::<usize>().ok()?])
    });
    match numbers {
        Some([n, m]) if (1..=m).contains(&n) && m <= LIMIT => Ok(Some([n, m])),
        _ => {
            let problem = format!(
                "sparsity is `{text}`; allowed: N:M with 1 <= N <= M <= {LIMIT}, such as 2:4"
            );
            Err(line.fail(column, problem))
        }
    }
}

/// The format has no field for groups: by convention a depthwise layer is written with a single filter, or with a name
/// that says so. A single 1x1 filter is an ordinary layer with one output.
fn is_depthwise(name: &str, input: &Shape, kernel: [usize; 2], filters: usize) -> bool {
    let name = name.to_lowercase();
    let named = ["depthwise", "dwconv", "dw_", "_dw"].iter().any(|mark| name.contains(mark));
    input.channels > 1 && kernel != [1, 1] && (filters == 1 || (named && filters == input.channels))
}

/// Refuses layers that are too large to map in reasonable time.
fn check_size(layer: &LayerShape, output: Shape) -> Result<(), String> {
    let largest = layer.weights().max(layer.input.len()).max(output.len());
    if largest > MOST_VALUES {
        return Err(format!("a tensor of {largest} values; allowed: at most {MOST_VALUES}"));
    }
    // Both factors are below 2^27.
    let macs = layer.weights() as u64 * (output.height * output.width) as u64;
    if macs > MOST_MACS {
        return Err(format!("{macs} multiply-accumulates; allowed: at most {MOST_MACS}"));
    }
    Ok(())
}

fn shown(text: &str) -> String {
    shorten(&escape_name(text), LONGEST).into_owned()
}

/// Separator of the fields of a file: commas, or semicolons or tabs where its first line has no comma.
fn separator(text: &str) -> char {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    [',', ';', '\t'].into_iter().find(|separator| first.contains(*separator)).unwrap_or(',')
}

/// The fields of a line, without blanks around them. A quoted field may contain the separator, and quotes as two. An
/// error has its column, from 1.
fn fields(line: &str, separator: char) -> Result<Vec<Cow<'_, str>>, (usize, String)> {
    let mut fields: Vec<Cow<'_, str>> = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        let Some(mut quoted) = text.trim_start_matches(' ').strip_prefix('"') else {
            let (field, behind) =
                text.split_once(separator).map_or((text, None), |(f, b)| (f, Some(b)));
            fields.push(field.trim().into());
            rest = behind;
            continue;
        };
        let fail = |problem: &str| (fields.len() + 1, problem.to_string());
        let mut field = String::new();
        loop {
            let (part, behind) =
                quoted.split_once('"').ok_or_else(|| fail("a quote that is not closed"))?;
            field.push_str(part);
            quoted = behind;
            match behind.strip_prefix('"') {
                Some(behind) => quoted = behind,
                None => break,
            }
            field.push('"');
        }
        let behind = quoted.trim_start_matches([' ', '\r']);
        rest = behind.strip_prefix(separator);
        if rest.is_none() && !behind.is_empty() {
            let said = format!("`{}` behind a field in quotes", shown(behind));
            return Err(fail(&said));
        }
        fields.push(field.trim().to_string().into());
    }
    Ok(fields)
}

pub(super) fn layers(origin: &str, text: &str) -> Result<Vec<LayerShape>, TopologyError> {
    let mut format = Format::Convolution { two_strides: false };
    let mut layers: Vec<LayerShape> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut sparse = None;
    let text = text.trim_start_matches('\u{feff}');
    let separator = separator(text);
    for (index, text) in text.lines().enumerate() {
        let fields = fields(text, separator).map_err(|(column, problem)| {
            let (origin, line) = (origin.to_string(), index + 1);
            TopologyError::Line { origin, line, column, problem }
        })?;
        if fields.iter().all(|f| f.is_empty()) {
            continue;
        }
        let first = layers.is_empty() && seen.is_empty();
        if first && fields.get(1).is_some_and(|f| f.parse::<f64>().is_err() && !f.is_empty()) {
            format = header(&fields);
            sparse = fields.iter().position(|f| f.eq_ignore_ascii_case("sparsity"));
            seen.insert(String::new(), 0);
            continue;
        }
        let line = Line { origin, number: index + 1, fields };
        let name = escape_name(&line.fields[0]);
        if name.is_empty() {
            return Err(line.fail(0, "the name is empty".into()));
        }
        let mut layer = match format {
            Format::Convolution { two_strides } => line.convolution(two_strides)?,
            Format::Product => line.product()?,
        };
        if let Some(column) = sparse {
            layer.sparsity = sparsity(&line, column)?;
        }
        let output =
            layer.output().map_err(|problem| line.fail(0, format!("the layer {problem}")))?;
        check_size(&layer, output).map_err(|problem| line.fail(0, problem))?;
        let count = seen.entry(name.to_string()).or_insert(0);
        *count += 1;
        layer.name = if *count == 1 { name.into() } else { format!("{name}#{count}") };
        layers.push(layer);
    }
    match layers.is_empty() {
        true => Err(TopologyError::Empty { origin: origin.into() }),
        false => Ok(layers),
    }
}

fn header(fields: &[Cow<'_, str>]) -> Format {
    if fields.get(1..4).is_some_and(|names| names == ["M", "N", "K"]) {
        return Format::Product;
    }
    let two_strides = fields.get(8).is_some_and(|f| f.to_lowercase().contains("stride"));
    Format::Convolution { two_strides }
}
