use super::*;
use pecan_config::Config;

/// A list of one entry in group 0 that starts from zero and is written to psum word 0; row 0 has a pixel.
fn list(valid: &[bool]) -> List<'_> {
    List {
        column: 0,
        half: 0,
        psum_word: 0,
        valid,
        per_channel: false,
        maximum: false,
        from_zero: true,
        from_psum: false,
        to_psum: true,
        waits: true,
    }
}

/// Updates the psum read ports without the end of a kernel.
fn settle(observer: &mut DeviceObserver) {
    observer.array.finish(std::iter::repeat(false), &mut observer.toggles);
}

fn entry(index: u16, weights: &[i16]) -> Entry {
    let mut entry = Entry { index, last: true, nonzero: true, ..Entry::ZERO };
    entry.weights[..weights.len()].copy_from_slice(weights);
    entry.nonzero = weights.iter().any(|w| *w != 0);
    entry
}

/// An observed array with the word 3, 0, -1, 0, 0, ... in row 0, and the rows that have a pixel.
fn device() -> (DeviceObserver, Vec<bool>) {
    let geometry = Geometry::of(&Config::default());
    assert!(geometry.zero_gating && geometry.skip && geometry.lanes == 4);
    let mut observer = DeviceObserver::new(&geometry);
    let mut word = vec![0; geometry.word_channels];
    (word[0], word[2]) = (3, -1);
    observer.array.store([0, 0, 0], &word, &mut observer.toggles);
    let valid = (0..geometry.rows).map(|row| row == 0).collect();
    (observer, valid)
}

#[track_caller]
fn expect(observer: &mut DeviceObserver, expected: &[(Toggle, u64)]) {
    let counted = Toggle::ALL.iter().map(|t| (*t, observer.toggles()[*t])).filter(|(_, n)| *n > 0);
    assert_eq!(counted.collect::<Vec<_>>(), expected);
    observer.restart();
}

#[test]
fn an_entry_by_hand() {
    use Toggle as T;
    let (mut observer, valid) = device();
    // 3 has two ones, -1 eight; two channels become nonzero. The read ports of all columns are at word 0.
    let ports = Geometry::of(&Config::default()).cols as u64;
    let shown = [(T::ScratchReadBus, 10 * ports), (T::ScratchSelect, 10 * ports)];
    expect(&mut observer, &[(T::ScratchWrite, 10), (T::ZeroFlags, 2), shown[0], shown[1]]);
    let first = entry(0, &[1, 2]);
    observer.list(&list(&valid), [(0, &first)].into_iter());
    settle(&mut observer);
    // Products 3 and 6; all four lanes start from 0. Cross: 2 activation bits x 2 ones of weights + 2 weight bits x 2 ones of the activation.
    expect(
        &mut observer,
        &[
            (T::WeightOperand, 2),
            (T::ActivationOperand, 2),
            (T::Product, 4),
            (T::Addend, 4),
            (T::MultiplyCross, 8),
            (T::MultiplyShared, 8),
            (T::MultiplyLanes, 2),
            (T::AccumulatorTakes, 4),
            (T::AccumulatorMoves, 4),
            (T::Accumulator, 4),
            (T::Total, 4),
            (T::Sum, 4),
            (T::SumCarry, 2 + 3),
            (T::PsumWrite, 4),
            (T::PsumWriteOnes, 4),
            // The list is a single entry.
            (T::PsumWriteSum, 4),
            (T::PsumWriteCross, 8),
            (T::PsumReadBus, 4),
            (T::DrainReadBus, 4),
            (T::ColumnWaits, 1),
            // The weights and the flag.
            (T::Entry, 3),
        ],
    );
    // A zero activation: nothing is read, but the sums start from 0 again; the adders add the old products to it.
    let second = entry(1, &[1, 2]);
    observer.list(&list(&valid), [(1, &second)].into_iter());
    settle(&mut observer);
    expect(
        &mut observer,
        &[
            (T::AccumulatorTakes, 4),
            (T::AccumulatorMoves, 4),
            (T::Accumulator, 4),
            (T::Sum, 4),
            (T::PsumWrite, 4),
            (T::PsumWriteSum, 4),
            (T::PsumReadBus, 4),
            (T::DrainReadBus, 4),
            (T::ColumnWaits, 1),
            (T::ChannelSelect, 1),
            (T::Entry, 1),
            (T::EntryIndex, 1),
        ],
    );
}

#[test]
fn a_negative_weight_subtracts_its_magnitude() {
    use Toggle as T;
    let (mut observer, valid) = device();
    let (first, second) = (entry(0, &[2]), entry(0, &[-2]));
    observer.list(&list(&valid), [(0, &first)].into_iter());
    observer.restart();
    let goes_on = List { from_zero: false, to_psum: false, ..list(&valid) };
    observer.list(&goes_on, [(0, &second)].into_iter());
    let toggles = observer.toggles();
    // Only the sign changes in front of the multiplier, and all 16 bits behind it.
    assert_eq!([toggles[T::WeightOperand], toggles[T::Product], toggles[T::Addend]], [1, 0, 16]);
    // 6 - 6 carries out of the low part and borrows: the high part stays.
    assert_eq!([toggles[T::AccumulatorTakes], toggles[T::AccumulatorMoves]], [1, 0]);
    assert_eq!([toggles[T::Accumulator], toggles[T::Total]], [2, 2]);
    // 0 - 6 borrows.
    observer.restart();
    observer.list(&goes_on, [(0, &second)].into_iter());
    let toggles = observer.toggles();
    assert_eq!([toggles[T::AccumulatorTakes], toggles[T::AccumulatorMoves]], [1, 1]);
    assert_eq!(toggles[T::Accumulator], u64::from((-6i32).count_ones()));
}

#[test]
fn products_may_glitch_while_another_bank_is_chosen() {
    use Toggle as T;
    let (mut observer, valid) = device();
    observer.list(&list(&valid), [(0, &entry(0, &[2]))].into_iter());
    observer.restart();
    // From 3 x 2 to -1 x 2: two ones of 6 are ones of -2 too.
    observer.list(&list(&valid), [(2, &entry(2, &[2]))].into_iter());
    assert_eq!(observer.toggles()[T::MultiplyHazard], 2);
    // The same bank again.
    observer.restart();
    observer.list(&list(&valid), [(2, &entry(2, &[3]))].into_iter());
    assert_eq!(observer.toggles()[T::MultiplyHazard], 0);
}

#[test]
fn lanes_of_the_per_channel_mode_take_their_own() {
    use Toggle as T;
    let (mut observer, valid) = device();
    observer.restart();
    observer.array.mode(true, &mut observer.toggles);
    let depthwise = entry(0, &[2, 2, 1, 0]);
    observer.list(&List { per_channel: true, ..list(&valid) }, [(0, &depthwise)].into_iter());
    let toggles = observer.toggles();
    // Activations 3, 0, -1, 0: lanes 0 and 2 read, all weights are taken.
    assert_eq!(toggles[T::ActivationOperand], 2 + 8);
    assert_eq!(toggles[T::WeightOperand], 3);
    // 3 x 2 = 6 and -1 x 1 = -1 in 16 bits.
    assert_eq!(toggles[T::Product], 2 + 16);
    assert_eq!(toggles[T::MultiplyCross], (2 + 2) + (8 + 8));
    assert_eq!(toggles[T::Accumulator], 2 + 32);
    assert_eq!(toggles[T::SumCarry], 3 + 32);
    // Back in the shared mode all lanes multiply what bank 0 holds: 3 x 2, 3 x 2, 3 x 1, 3 x 0.
    observer.restart();
    observer.array.mode(false, &mut observer.toggles);
    assert_eq!(observer.toggles()[T::Product], 2 + (-1i16 ^ 3).count_ones() as u64);
}

#[test]
fn buses_and_drain_by_hand() {
    use Toggle as T;
    let (mut observer, _) = device();
    observer.restart();
    let channels = Geometry::of(&Config::default()).word_channels;
    observer.step(Level::Tile);
    observer.step(Level::Slice);
    observer.step(Level::Line);
    [5, 6].into_iter().for_each(|address| {
        observer.step(Level::Pixel);
        observer.point(address);
    });
    [0b1000, 0b11, 0b101].into_iter().for_each(|last| observer.wrap(last));
    observer.place([-1, 1], [0, 0]);
    observer.place([1, 1], [2, 0]);
    observer.fetch(0, 3, None);
    observer.fetch(0, 2, Some(7));
    observer.deliver(&vec![1; channels], true);
    observer.deliver(&vec![0; channels], false);
    observer.read(&vec![1; channels]);
    observer.write(&vec![-1; channels]);
    observer.load_entry(&entry(2, &[7]));
    let words = channels as u64;
    expect(
        &mut observer,
        &[
            (T::PatchBus, 2 * words),
            (T::PatchWords, 2),
            (T::PatchPixels, 2),
            (T::PatchLines, 1),
            (T::PatchSlices, 1),
            (T::PatchTiles, 1),
            // Both flags rise, one falls.
            (T::PatchWraps, 2 + 1),
            (T::PatchTurns, 2),
            // The last two are 0b111 together: a third loop would end.
            (T::PatchHazards, 1),
            // 5 + 1 after nothing.
            (T::PatchAddends, 2 + 1),
            // From 0 to 5 and on to 6.
            (T::PatchAddress, 2 + 2),
            // From 0 to -1 of 18 bits and from 0 to 1; from -1 to 1.
            (T::PatchCoordinates, 18 + 1 + 17),
            (T::PatchLattice, 1),
            // From 0 to 3 and 4, to fetch five entries, and back to behind the first.
            (T::WeightAddress, 1 + 2 + 1 + 3 + 2),
            (T::BufferRead, words),
            (T::BufferWrite, 8 * words),
            // Three ones of the weight, one of the index, the flag.
            (T::WeightWrite, 3 + 1 + 1),
        ],
    );
    let param = crate::memories::Param { bias: 1, multiplier: 3, shift: 1 };
    observer.requantize(0, Requantized { sum: 4, param, value: 8, rests: false });
    // (4 + 1) x 3 = 15.
    expect(
        &mut observer,
        &[
            (T::DrainSum, 1),
            (T::DrainBiased, 2),
            // Two bits of 5 times the two ones of 3 and the other way around.
            (T::DrainCross, 2 * 2 + 2 * 2),
            (T::DrainMultiplies, 1),
            (T::DrainScaled, 4),
            (T::DrainOut, 1),
            (T::Param, 1 + 2 + 1),
        ],
    );
}

#[test]
fn a_column_that_waits_shows_what_is_there() {
    use Toggle as T;
    let (mut observer, valid) = device();
    let first = entry(0, &[1]);
    observer.list(&list(&valid), [(0, &first)].into_iter());
    observer.restart();
    // No row has had a pixel in the other half: all keep to word 0 of the first.
    observer.peek(0, 1, 0);
    expect(&mut observer, &[]);
    observer.list(&List { half: 1, ..list(&valid) }, [(0, &first)].into_iter());
    assert_eq!(observer.toggles()[T::ScratchReadBus], 10);
    observer.restart();
    observer.peek(0, 0, 0);
    // Back to the first half: one address bit, which selects the half.
    let address = [(T::ScratchAddress, 1), (T::ScratchSelects, 1)];
    expect(
        &mut observer,
        &[(T::ScratchReadBus, 10), (T::ScratchSelect, 10), address[0], address[1]],
    );
}

#[test]
fn the_loader_shows_what_it_read_or_padding_while_it_pauses() {
    let (mut observer, _) = device();
    observer.restart();
    let word = vec![1; Geometry::of(&Config::default()).word_channels];
    let bits = word.len() as u64;
    observer.deliver(&word, true);
    let zero = [0; 16];
    for (padding, toggled) in [(None, 0), (Some(&zero), bits), (None, bits)] {
        observer.restart();
        observer.pause(padding);
        let toggles = observer.toggles();
        assert_eq!([toggles[Toggle::PatchBus], toggles[Toggle::PatchPauses]], [toggled, 1]);
    }
}
