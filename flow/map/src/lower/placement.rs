//! Placement of tensors in the global buffer or in DRAM.

use std::ops::Range;

use pecan_config::geometry::Geometry;
use pecan_ir::layer::{Shape, Tensor};

use crate::lower::kernel::Placement;

/// A part of a tensor in DRAM: consecutive slots in the order rows, columns, channel words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Pixels (y, x).
    pub(crate) pixels: [Range<usize>; 2],
    /// Channel words.
    pub(crate) words: Range<usize>,
    /// Byte address of the first slot; a whole number of beats.
    pub(crate) address: usize,
}

impl Piece {
    /// Position of a word in the piece, if it is part of it.
    fn index(&self, y: usize, x: usize, word: usize) -> Option<usize> {
        let [rows, cols] = &self.pixels;
        let inside = rows.contains(&y) && cols.contains(&x) && self.words.contains(&word);
        let pixel = || (y - rows.start) * cols.len() + x - cols.start;
        inside.then(|| pixel() * self.words.len() + word - self.words.start)
    }

    /// Words of the piece.
    pub(crate) fn size(&self) -> usize {
        self.pixels[0].len() * self.pixels[1].len() * self.words.len()
    }
}

/// A tensor in DRAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Extent of the tensor.
    pub(crate) shape: Shape,
    /// Pieces that cover it.
    pub(crate) pieces: Vec<Piece>,
    /// Channel at every position, if the channels are not in order.
    pub(crate) order: Option<Vec<usize>>,
}

/// Consecutive words of an allocation that are consecutive in DRAM, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Number of the first word in the allocation.
    pub(crate) word: usize,
    /// Words.
    pub(crate) count: usize,
    /// Piece of the tensor.
    pub(crate) piece: usize,
    /// Number of the first word in the piece.
    pub(crate) index: usize,
}

impl Layout {
    /// The whole tensor as one piece.
    pub(crate) fn whole(shape: Shape, words: usize, address: usize) -> Self {
        let pixels = [0..shape.height, 0..shape.width];
        Self { shape, pieces: vec![Piece { pixels, words: 0..words, address }], order: None }
    }

    /// Channel at a position.
    fn channel(&self, position: usize) -> usize {
        self.order.as_ref().map_or(position, |order| order[position])
    }

    fn locate(&self, y: usize, x: usize, word: usize, hint: usize) -> Option<(usize, usize)> {
        let count = self.pieces.len();
        let order = (0..count).map(|i| (i + hint) % count);
        order.into_iter().find_map(|i| self.pieces[i].index(y, x, word).map(|index| (i, index)))
    }

    /// The segments of an allocation, in its order.
    pub(crate) fn segments(&self, place: &Placement) -> Vec<Segment> {
        let mut segments: Vec<Segment> = Vec::new();
        let mut number = 0;
        for y in place.pixels[0].clone() {
            for x in place.pixels[1].clone() {
                for word in place.words.clone() {
                    let hint = segments.last().map_or(0, |s| s.piece);
                    // Pieces cover the tensor, so every word is found.
                    let Some((piece, index)) = self.locate(y, x, word, hint) else { continue };
                    match segments.last_mut() {
                        Some(s)
                            if s.piece == piece
                                && s.index + s.count == index
                                && s.word + s.count == number =>
                        {
                            s.count += 1;
                        }
                        _ => segments.push(Segment { word: number, count: 1, piece, index }),
                    }
                    number += 1;
                }
            }
        }
        segments
    }

    /// First byte and number of bytes that the tensor takes.
    pub(crate) fn region(&self, geometry: &Geometry) -> (usize, usize) {
        let start = self.pieces.iter().map(|p| p.address).min().unwrap_or(0);
        let end = self.pieces.iter().map(|p| p.address + piece_bytes(p.size(), geometry)).max();
        (start, end.unwrap_or(start) - start)
    }

    /// Bytes of the tensor's region for these values.
    pub(crate) fn encode(&self, tensor: &Tensor, geometry: &Geometry) -> Vec<u8> {
        let (start, bytes) = self.region(geometry);
        let mut out = vec![0; bytes];
        self.each_word(geometry, |at, channels, pixel| {
            let value = |c: usize| i64::from(tensor.data[self.channel(c) * pixel.1 + pixel.0]);
            let slot = pecan_emulator::pack_word(
                channels.map(value),
                geometry.activation_bits,
                geometry.word_slot,
            );
            out[at - start..at - start + slot.len()].copy_from_slice(&slot);
        });
        out
    }

    /// The tensor from the bytes of its region.
    pub(crate) fn decode(&self, bytes: &[u8], geometry: &Geometry) -> Tensor {
        let (start, _) = self.region(geometry);
        let mut data = vec![0; self.shape.len()];
        let bits = geometry.activation_bits;
        self.each_word(geometry, |at, channels, pixel| {
            let slot = &bytes[at - start..];
            for (i, c) in channels.enumerate() {
                let low = slot[i * bits / 8];
                let high = if bits == 16 { slot[i * 2 + 1] } else { 0 };
                let raw = (i32::from(low) | i32::from(high) << 8) >> (i * bits % 8);
                data[self.channel(c) * pixel.1 + pixel.0] = raw << (32 - bits) >> (32 - bits);
            }
        });
        Tensor { shape: self.shape, data }
    }

    /// Calls `visit` with the byte address, the channels and the (pixel, pixels) of every word.
    fn each_word(
        &self,
        geometry: &Geometry,
        mut visit: impl FnMut(usize, Range<usize>, (usize, usize)),
    ) {
        let (b, slot) = (geometry.word_channels, geometry.word_slot / 8);
        let pixels = self.shape.height * self.shape.width;
        for piece in &self.pieces {
            let mut at = piece.address;
            for y in piece.pixels[0].clone() {
                for x in piece.pixels[1].clone() {
                    for word in piece.words.clone() {
                        let channels = word * b..((word + 1) * b).min(self.shape.channels);
                        visit(at, channels, (y * self.shape.width + x, pixels));
                        at += slot;
                    }
                }
            }
        }
    }
}

/// Bytes of `words` in DRAM, whole beats.
pub(crate) fn piece_bytes(words: usize, geometry: &Geometry) -> usize {
    (words * geometry.word_slot / 8).next_multiple_of(geometry.stream_bits / 8)
}

/// Free words of the global buffer, first fit.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    free: Vec<Range<usize>>,
}

impl Space {
    /// An empty buffer of `words`.
    pub(crate) fn new(words: usize) -> Self {
        Self { free: std::iter::once(0..words).collect() }
    }

    /// Allocates `words`, if so many consecutive ones are free.
    pub(crate) fn take(&mut self, words: usize) -> Option<usize> {
        let index = self.free.iter().position(|range| range.len() >= words)?;
        let start = self.free[index].start;
        self.free[index].start += words;
        if self.free[index].is_empty() {
            self.free.remove(index);
        }
        Some(start)
    }

    /// Frees words.
    pub(crate) fn give(&mut self, range: Range<usize>) {
        let index = self.free.partition_point(|free| free.start < range.start);
        self.free.insert(index, range);
        let joined = std::mem::take(&mut self.free);
        for range in joined {
            match self.free.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => self.free.push(range),
            }
        }
    }

    /// The largest free range.
    pub(crate) fn largest(&self) -> Range<usize> {
        self.free.iter().max_by_key(|range| range.len()).cloned().unwrap_or(0..0)
    }
}
