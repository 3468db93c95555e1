//! From an image file to a sample, as torchvision's usual transforms on PIL images do it.

use std::fmt::{self, Display};
use std::str::FromStr;

use super::pixels::{MOST_PIXELS, Pixels};

/// Largest extent that images are resized or cropped to.
const MOST: usize = 1 << 14;

/// Rows and columns, written `HxW`, or one number: of a resize the shorter side, of a crop both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// One number.
    Side(usize),
    /// Rows and columns.
    Size([usize; 2]),
}

impl FromStr for Extent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
            number.ok_or(format!("allowed: N or HxW, from 1 to {MOST}"))
        };
        match text.split_once('x') {
            Some((rows, columns)) => Ok(Self::Size([number(rows)?, number(columns)?])),
            None => Ok(Self::Side(number(text)?)),
        }
    }
}

impl Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Side(side) => write!(f, "{side}"),
            Self::Size([rows, columns]) => write!(f, "{rows}x{columns}"),
        }
    }
}

/// How an image becomes a sample: color, resize, crop at the center, `(value / 255 - mean) / std`.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocessing {
    /// Channels (1: gray, 3: red, green, blue), rows and columns of a sample.
    pub shape: [usize; 3],
    /// Extent to resize to.
    pub resize: Option<Extent>,
    /// Extent to crop to.
    pub crop: Option<Extent>,
    /// Subtracted; one number, or one per channel.
    pub mean: Vec<f32>,
    /// Divided by; one number, or one per channel.
    pub std: Vec<f32>,
    /// Names of the class folders, in the order of the labels; else all folders, sorted.
    pub labels: Option<Vec<String>>,
}

impl Preprocessing {
    /// That for a network's input of `shape`, without resize, crop or normalization.
    ///
    /// # Errors
    /// The input is no image of one or three channels.
    pub fn new(shape: &[usize]) -> Result<Self, String> {
        match *shape {
            [channels @ (1 | 3), rows, columns] => Ok(Self {
                shape: [channels, rows, columns],
                resize: None,
                crop: None,
                mean: vec![0.0],
                std: vec![1.0],
                labels: None,
            }),
            _ => Err(format!(
                "the network takes samples of shape {shape:?}; images are for [1, H, W] (gray) or [3, H, W] (red, green, blue)"
            )),
        }
    }

    /// Sets mean and standard deviation; empty lists change nothing.
    ///
    /// # Errors
    /// Another number of values than one or one per channel; values that are not finite; a deviation that is not above 0.
    pub fn normalize(&mut self, mean: &[f32], std: &[f32]) -> Result<(), String> {
        for (name, values) in [("mean", mean), ("std", std)] {
            if ![0, 1, self.shape[0]].contains(&values.len()) {
                let (count, channels) = (values.len(), self.shape[0]);
                return Err(format!(
                    "{name} of {count} values; the network's input has {channels} channels"
                ));
            }
            if !values.iter().all(|value| value.is_finite() && (name == "mean" || *value > 0.0)) {
                return Err(format!("{name} {values:?}; allowed: finite numbers, std above 0"));
            }
        }
        let set = |own: &mut Vec<f32>, given: &[f32]| {
            if !given.is_empty() {
                *own = given.to_vec();
            }
        };
        set(&mut self.mean, mean);
        set(&mut self.std, std);
        Ok(())
    }

    /// The sample of an image file.
    pub(super) fn sample(&self, bytes: &[u8]) -> Result<Vec<f32>, String> {
        let [channels, rows, columns] = self.shape;
        let mut pixels = Pixels::decode(bytes, channels)?;
        if let Some(extent) = self.resize {
            let size = target(extent, pixels.size)?;
            pixels = pixels.resized(size);
        }
        if let Some(extent) = self.crop {
            pixels = pixels.cropped(match extent {
                Extent::Side(side) => [side; 2],
                Extent::Size(size) => size,
            })?;
        }
        if pixels.size != [rows, columns] {
            let [h, w] = pixels.size;
            return Err(format!(
                "{h}x{w} pixels; the network takes {rows}x{columns} (--resize N or HxW, --crop N or HxW)"
            ));
        }
        let mut sample = vec![0f32; channels * rows * columns];
        for (channel, plane) in sample.chunks_mut(rows * columns).enumerate() {
            let [mean, std] = [&self.mean, &self.std].map(|list| list[channel % list.len()]);
            let values = pixels.data[channel..].iter().step_by(channels);
            plane
                .iter_mut()
                .zip(values)
                .for_each(|(to, v)| *to = (f32::from(*v) / 255.0 - mean) / std);
        }
        Ok(sample)
    }
}

/// Size after a resize: a side is the shorter one, and the other is rounded down, as torchvision does.
fn target(extent: Extent, [rows, columns]: [usize; 2]) -> Result<[usize; 2], String> {
    let size = match extent {
        Extent::Size(size) => size,
        Extent::Side(side) if rows <= columns => [side, side * columns / rows.max(1)],
        Extent::Side(side) => [side * rows / columns.max(1), side],
    };
    // Columns are resized first.
    let most = (rows.max(size[0]) as u64).checked_mul(size[1] as u64);
    if size.contains(&0) || most.is_none_or(|most| most > MOST_PIXELS) {
        return Err(format!(
            "{rows}x{columns} pixels resized to {}x{}; allowed: 1 to {MOST_PIXELS} pixels, also with the old rows",
            size[0], size[1]
        ));
    }
    Ok(size)
}
