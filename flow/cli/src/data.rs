//! Flags that choose a network's inputs, and the chosen inputs.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Exit;
use super::Failure;
use pecan_net::data::{DataError, Extent, Preprocessing, Rows, Samples, Selection, is_image_set};
use pecan_net::graph::Graph;
use pecan_net::quantize::Calibration;
use pecan_simulate::random_samples;

/// Default number of calibration samples.
const CALIBRATION: usize = 100;
/// Number of random samples to execute, and to calibrate with, without data.
const RANDOM: (usize, usize) = (4, 16);
/// Most values of random samples; above, fewer samples are made.
const RANDOM_VALUES: usize = 1 << 26;
const MOST_RANDOM_VALUES: usize = 1 << 29;

/// The inputs: a file with samples and which of them to use.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Data")]
pub struct DataArgs {
    /// Archive of numpy arrays with the inputs `x` and, optionally, labels `y`; or a folder or .zip archive of JPEG and PNG images with a
    /// folder for each class; without it, random inputs
    #[arg(long, value_name = "FILE.npz|DIR|FILE.zip")]
    pub data: Option<PathBuf>,
    /// Array with the inputs [default: x]
    #[arg(long, value_name = "NAME")]
    pub x_key: Option<String>,
    /// Array with the labels [default: y, if the file has it]
    #[arg(long, value_name = "NAME")]
    pub y_key: Option<String>,
    /// Samples to run: all, A..B, the name of an index array in the file, or a part of it, NAME[A..B] [default: all]
    #[arg(long, value_name = "ROWS")]
    pub rows: Option<String>,
    /// Run at most so many samples
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub limit: Option<u64>,
    /// Samples that decide the quantization, as --rows [default: the first 100 that are not run]
    #[arg(long, value_name = "ROWS")]
    pub calibrate_rows: Option<String>,
    /// File of the samples that decide the quantization [default: that of --data]
    #[arg(long, value_name = "FILE.npz")]
    pub calibrate_data: Option<PathBuf>,
    /// What decides the ranges of the integers: minmax or percentile:P [default: minmax]
    #[arg(long, value_name = "METHOD")]
    pub calibration: Option<Calibration>,
    /// Images: resize the shorter side to N, or to HxW (bilinear with antialiasing, as PIL)
    #[arg(long, value_name = "N|HxW")]
    pub resize: Option<Extent>,
    /// Images: crop NxN or HxW at the center, behind the resize
    #[arg(long, value_name = "N|HxW")]
    pub crop: Option<Extent>,
    /// Images: subtracted from values of 0 to 1; one number, or one per channel [default: 0]
    #[arg(long, value_name = "M,..", value_delimiter = ',', allow_hyphen_values = true)]
    pub mean: Vec<f32>,
    /// Images: divided by, behind the mean; one number, or one per channel [default: 1]
    #[arg(long, value_name = "S,..", value_delimiter = ',')]
    pub std: Vec<f32>,
    /// Images: file with the name of a class folder on each line; the label is its line, from 0 [default: the folders, sorted]
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
}

/// Samples to run and samples that decide the quantization.
#[derive(Debug, Clone)]
pub(super) struct Inputs {
    /// Samples to run.
    pub(super) samples: Vec<Vec<f32>>,
    /// Row of each sample in its file.
    pub(super) rows: Vec<usize>,
    /// Rows of that file.
    pub(super) total: usize,
    /// Their labels.
    pub(super) labels: Option<Vec<usize>>,
    /// Samples that decide the quantization.
    pub(super) calibration: Vec<Vec<f32>>,
    /// Method of calibration.
    pub(super) method: Calibration,
    /// Source of both, for the reader of the results.
    pub(super) origin: String,
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self::from_error(Exit::BadInput, error)
    }
}

impl DataArgs {
    /// Loads the chosen inputs, or makes random inputs from `seed`.
    ///
    /// # Errors
    /// [`Failure`] if the file or the selection is wrong or does not fit the network.
    pub(super) fn load(&self, graph: &Graph, seed: u64) -> Result<Inputs, Failure> {
        let limit = self.limit.map(|limit| limit as usize);
        let method = self.calibration.unwrap_or_default();
        self.refuse_without_images()?;
        let Some(path) = &self.data else {
            self.refuse_without_data()?;
            return Ok(Inputs { method, ..random(graph, limit, seed)? });
        };
        let rows = |text: &Option<String>| match text {
            Some(text) => text.parse::<Rows>(),
            None => Ok(Rows::All),
        };
        let selection = |path: &Path, rows, limit| self.selection(graph, path, rows, limit);
        let chosen = selection(path, rows(&self.rows)?, limit)?;
        // Without a choice, the calibration samples come from the same pass over the file.
        let named = self.calibrate_data.is_some() || self.calibrate_rows.is_some();
        let (tested, others, free) = match named {
            true => (Samples::load(path, &chosen)?, Vec::new(), false),
            false => Samples::load_and_others(path, &chosen, CALIBRATION)?,
        };
        tested.expect_shape(graph.input_shape())?;
        let classes: usize = graph.output_shape().iter().product();
        let labels = match &tested.labels {
            // Behind an unsupported node the number of classes is unknown, and labels are not used.
            Some(_) if classes > 0 => Some(tested.expect_labels(classes)?.to_vec()),
            _ => None,
        };
        let chosen = |path: &Path, limit| -> Result<_, Failure> {
            let list = Samples::load(path, &selection(path, rows(&self.calibrate_rows)?, limit)?)?;
            list.expect_shape(graph.input_shape())?;
            Ok(list.into_values())
        };
        let (calibration, what) = match (&self.calibrate_data, &self.calibrate_rows) {
            (None, Some(rows)) => {
                let list = chosen(path, None)?;
                let what = format!("the {} of `{rows}`", list.len());
                (list, what)
            }
            (Some(other), given) => {
                let list = chosen(other, given.is_none().then_some(CALIBRATION))?;
                let rows = given.as_deref().unwrap_or("the first");
                let what = format!("{} of {}, {rows}", list.len(), other.display());
                (list, what)
            }
            (None, None) => {
                let which = if free { "that are not run" } else { "which are also run" };
                let comma = if free { "" } else { "," };
                let what = format!("the first {}{comma} {which}", others.len());
                (others, what)
            }
        };
        let origin =
            format!("{} samples of {} (calibrated on {what})", tested.len(), path.display());
        let (rows, total) = (tested.rows.clone(), tested.total);
        let samples = tested.into_values();
        Ok(Inputs { samples, rows, total, labels, calibration, method, origin })
    }
}

impl DataArgs {
    /// The selection of rows of a file of data for a network.
    ///
    /// # Errors
    /// [`Failure`] if flags do not go with the file, or images not with the network.
    pub(super) fn selection(
        &self,
        graph: &Graph,
        path: &Path,
        rows: Rows,
        limit: Option<usize>,
    ) -> Result<Selection, Failure> {
        let x_key = self.x_key.clone().unwrap_or_else(|| "x".into());
        let (y_key, is_set) = (self.y_key.clone(), is_image_set(path));
        let for_arrays = [(self.x_key.is_some(), "--x-key"), (y_key.is_some(), "--y-key")];
        let given = |flags: &[(bool, &'static str)]| flags.iter().find(|f| f.0).map(|f| f.1);
        if let (true, Some(flag)) = (is_set, given(&for_arrays)) {
            let what = format!("{flag} is for .npz archives, not for images ({})", path.display());
            return Err(Failure::said(Exit::Usage, what));
        }
        let images = is_set.then(|| self.preprocessing(graph)).transpose()?;
        Ok(Selection { x_key, y_key, rows, limit, images })
    }

    /// How images become samples.
    fn preprocessing(&self, graph: &Graph) -> Result<Preprocessing, Failure> {
        let bad = |what: String| Failure::said(Exit::BadInput, what);
        let mut how = Preprocessing::new(graph.input_shape()).map_err(bad)?;
        (how.resize, how.crop) = (self.resize, self.crop);
        how.normalize(&self.mean, &self.std).map_err(bad)?;
        if let Some(path) = &self.labels {
            let text = std::fs::read_to_string(path)
                .map_err(|error| bad(format!("cannot read {}: {error}", path.display())))?;
            how.labels = Some(text.lines().map(|line| line.trim().to_owned()).collect());
        }
        Ok(how)
    }

    /// Refuses choices for images if there are none.
    fn refuse_without_images(&self) -> Result<(), Failure> {
        let sets = self.data.iter().chain(&self.calibrate_data);
        if sets.into_iter().any(|path| is_image_set(path)) {
            return Ok(());
        }
        let given = [
            (self.resize.is_some(), "--resize"),
            (self.crop.is_some(), "--crop"),
            (!self.mean.is_empty(), "--mean"),
            (!self.std.is_empty(), "--std"),
            (self.labels.is_some(), "--labels"),
        ];
        match given.iter().find(|(given, _)| *given) {
            None => Ok(()),
            Some((_, flag)) => {
                let what =
                    format!("{flag} is for images: name a folder or .zip archive with --data");
                Err(Failure::said(Exit::Usage, what))
            }
        }
    }
}

impl DataArgs {
    /// Refuses choices within a file of data if there is no file.
    fn refuse_without_data(&self) -> Result<(), Failure> {
        let given = [
            (&self.x_key, "--x-key"),
            (&self.y_key, "--y-key"),
            (&self.rows, "--rows"),
            (&self.calibrate_rows, "--calibrate-rows"),
        ];
        let given: Vec<_> = given.iter().filter(|(v, _)| v.is_some()).map(|(_, f)| *f).collect();
        if given.is_empty() {
            return Ok(());
        }
        let what =
            format!("{} chooses from a file of samples: name one with --data", given.join(", "));
        Err(Failure::said(Exit::Usage, what))
    }
}

/// `limit` random inputs to run, and others to calibrate on; of large inputs fewer where no number is asked for.
fn random(graph: &Graph, limit: Option<usize>, seed: u64) -> Result<Inputs, Failure> {
    let size = graph.input_shape().iter().product::<usize>().max(1);
    let calibrating = RANDOM.1.min((RANDOM_VALUES / size).max(1));
    let count = limit.unwrap_or(RANDOM.0.min(calibrating));
    if (count + calibrating).saturating_mul(size) > MOST_RANDOM_VALUES {
        let what = format!(
            "{count} random inputs of {size} values; allowed: at most {MOST_RANDOM_VALUES} values, with those of \
             {calibrating} inputs that calibrate (--limit)"
        );
        return Err(Failure::said(Exit::BadInput, what));
    }
    let mut samples = random_samples(count + calibrating, size, seed);
    let calibration = samples.split_off(count);
    let origin = format!(
        "{count} random inputs, seed {seed} (calibrated on {} others); use --data for real ones",
        calibrating
    );
    let method = Calibration::default();
    let (rows, total) = ((0..count).collect(), count);
    Ok(Inputs { samples, rows, total, labels: None, calibration, method, origin })
}
