//! The network of a command: a model with data, on the command line or in a workload file.

use std::path::{Path, PathBuf};

use clap::Args;
use pecan_text::toml_limits;
use serde::Deserialize;

use super::data::DataArgs;
use super::{Exit, Failure};
use pecan_net::data::Extent;
use pecan_net::quantize::Calibration;

/// A model and its data.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct NetworkArgs {
    /// Network in ONNX, or layer shapes (SCALE-Sim topology, .csv)
    #[arg(value_name = "MODEL", required_unless_present = "workload")]
    model: Option<PathBuf>,
    /// Workload file (TOML) that names model, data and samples; other flags win over it
    #[arg(long, value_name = "FILE")]
    workload: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

/// Contents of a workload file; paths are relative to the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(feature = "prune"), allow(dead_code))] // Only pruning tunes.
struct Workload {
    model: Option<PathBuf>,
    data: Option<PathBuf>,
    x_key: Option<String>,
    y_key: Option<String>,
    rows: Option<String>,
    limit: Option<u64>,
    calibrate_rows: Option<String>,
    calibrate_data: Option<PathBuf>,
    calibration: Option<String>,
    resize: Option<String>,
    crop: Option<String>,
    mean: Option<Vec<f32>>,
    std: Option<Vec<f32>>,
    labels: Option<PathBuf>,
    tune_data: Option<PathBuf>,
    tune_rows: Option<String>,
    validation_share: Option<f64>,
    validate_data: Option<PathBuf>,
    validate_rows: Option<String>,
}

/// Data for `pecan prune` that a workload file names.
#[cfg(feature = "prune")]
#[derive(Debug, Default)]
pub(super) struct WorkloadTuning {
    /// File of the tuning samples.
    pub(super) data: Option<PathBuf>,
    /// Rows of them.
    pub(super) rows: Option<String>,
    /// Share of them for validation.
    pub(super) validation: Option<f64>,
    /// File of the validation samples instead.
    pub(super) validate_data: Option<PathBuf>,
    /// Rows of them.
    pub(super) validate_rows: Option<String>,
}

/// Reasons why a workload file cannot be used.
#[derive(Debug, thiserror::Error)]
enum WorkloadError {
    #[error("cannot read workload file {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Syntax { path: PathBuf, source: Box<toml::de::Error> },
    #[error("{}: {problem}", path.display())]
    Value { path: PathBuf, problem: String },
}

impl NetworkArgs {
    /// A model or workload file with data.
    #[cfg(feature = "prune")]
    pub(super) fn of(model: Option<PathBuf>, workload: Option<PathBuf>, data: DataArgs) -> Self {
        Self { model, workload, data }
    }

    /// Tuning data that the workload file names, if there is one.
    ///
    /// # Errors
    /// [`Failure`] if the workload file cannot be read.
    #[cfg(feature = "prune")]
    pub(super) fn tuning(&self) -> Result<WorkloadTuning, Failure> {
        let Some(path) = &self.workload else { return Ok(WorkloadTuning::default()) };
        let file = Workload::read(path).map_err(|e| Failure::from_error(Exit::BadInput, e))?;
        let beside =
            |file: PathBuf| path.parent().map_or(file.clone(), |folder| folder.join(&file));
        Ok(WorkloadTuning {
            data: file.tune_data.map(beside),
            rows: file.tune_rows,
            validation: file.validation_share,
            validate_data: file.validate_data.map(beside),
            validate_rows: file.validate_rows,
        })
    }

    /// The model and the choice of data; flags take precedence over the workload file.
    ///
    /// # Errors
    /// [`Failure`] if the workload file cannot be read, has an unknown key or an illegal value, or if there is
    /// no model.
    pub(super) fn resolve(&self) -> Result<(PathBuf, DataArgs), Failure> {
        let mut data = self.data.clone();
        let mut model = self.model.clone();
        if let Some(path) = &self.workload {
            let bad = |error| Failure::from_error(Exit::BadInput, error);
            let file = Workload::read(path).map_err(bad)?;
            file.fill(path, &mut model, &mut data).map_err(bad)?;
        }
        match model {
            Some(model) => Ok((model, data)),
            None => {
                let what = "neither the command line nor the workload file names a model";
                Err(Failure::said(Exit::Usage, what))
            }
        }
    }
}

impl Workload {
    fn read(path: &Path) -> Result<Self, WorkloadError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| WorkloadError::Read { path: path.into(), source })?;
        let limit = |problem| WorkloadError::Value { path: path.into(), problem };
        toml_limits::check(&text).map_err(limit)?;
        toml::from_str(&text)
            .map_err(|source| WorkloadError::Syntax { path: path.into(), source: Box::new(source) })
    }

    /// Fills in values that the command line does not give.
    fn fill(
        self,
        path: &Path,
        model: &mut Option<PathBuf>,
        data: &mut DataArgs,
    ) -> Result<(), WorkloadError> {
        let value = |problem| WorkloadError::Value { path: path.into(), problem };
        if self.limit == Some(0) {
            return Err(value("limit is 0; allowed: 1 or more".into()));
        }
        let calibration = self.calibration.map(|text| text.parse::<Calibration>()).transpose();
        let calibration = calibration.map_err(|error| value(error.to_string()))?;
        let beside =
            |file: PathBuf| path.parent().map_or(file.clone(), |folder| folder.join(&file));
        let extent = |text: Option<String>| text.map(|text| text.parse::<Extent>()).transpose();
        let [resize, crop] = [self.resize, self.crop].map(|text| extent(text).map_err(value));
        let (resize, crop) = (resize?, crop?);
        // Choices for another file of data do not apply to the one on the command line.
        if data.data.is_none() {
            data.data = self.data.map(beside);
            data.x_key = data.x_key.take().or(self.x_key);
            data.y_key = data.y_key.take().or(self.y_key);
            data.rows = data.rows.take().or(self.rows);
            data.calibrate_rows = data.calibrate_rows.take().or(self.calibrate_rows);
            data.calibrate_data = data.calibrate_data.take().or(self.calibrate_data.map(beside));
            data.resize = data.resize.or(resize);
            data.crop = data.crop.or(crop);
            data.labels = data.labels.take().or(self.labels.map(beside));
            for (own, file) in [(&mut data.mean, self.mean), (&mut data.std, self.std)] {
                if own.is_empty() {
                    own.extend(file.unwrap_or_default());
                }
            }
        }
        data.limit = data.limit.or(self.limit);
        data.calibration = data.calibration.or(calibration);
        *model = model.take().or(self.model.map(beside));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str, data: DataArgs) -> Result<(PathBuf, DataArgs), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("digits.toml");
        std::fs::write(&path, text).unwrap();
        let args = NetworkArgs { model: None, workload: Some(path), data };
        let (model, data) = args.resolve().map_err(|failure| failure.render(false, 200))?;
        let shown = |path: &Path| path.strip_prefix(folder.path()).unwrap_or(path).to_path_buf();
        Ok((shown(&model), DataArgs { data: data.data.as_deref().map(shown), ..data }))
    }

    #[test]
    fn flags_win_over_the_file() {
        let text = "model = 'm.onnx'\ndata = 'd.npz'\nrows = 'test'\nlimit = 9\n\
                    calibration = 'percentile:99.9'\n";
        let (model, data) = resolve(text, DataArgs::default()).unwrap();
        assert_eq!(model, Path::new("m.onnx"));
        assert_eq!(data.data.as_deref(), Some(Path::new("d.npz")));
        assert_eq!(data.calibration, Some(Calibration::Percentile(99.9)));
        let flags = DataArgs { rows: Some("0..5".into()), limit: Some(2), ..DataArgs::default() };
        let (_, data) = resolve(text, flags).unwrap();
        assert_eq!((data.rows.as_deref(), data.limit), (Some("0..5"), Some(2)));
        let flags = DataArgs { data: Some("other.npz".into()), ..DataArgs::default() };
        assert_eq!(resolve(text, flags).unwrap().1.rows, None);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let wrong = |text| resolve(text, DataArgs::default()).unwrap_err();
        let said = wrong("model = 'm.onnx'\nrow = 'test'\n");
        assert!(said.contains("digits.toml") && said.contains("line 2"), "{said}");
        assert!(said.contains("unknown field `row`") && said.contains("`rows`"), "{said}");
        assert!(wrong("limit = 0").contains("1 or more"));
        assert!(wrong("calibration = 'mean'").contains("minmax"));
        assert!(wrong("data = 'd.npz'").contains("names a model"));
    }
}
