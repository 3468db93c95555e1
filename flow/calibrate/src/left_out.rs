//! Leave-one-configuration-out cross-validation, without the held-out set: every fitted configuration is predicted by a
//! fit to the others.
//!
//! Features are chosen by these errors, so that the held-out set decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::record::label;
use super::summary::{Case, block_energies, components, fits, residuals};
use pecan_energy::ComponentError;
use pecan_energy::{Block, Class};

/// Errors of fitted cases in the fit to the other configurations.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    /// By component.
    pub components: Vec<ComponentError>,
    /// Mean and largest by `block.class`.
    pub blocks: BTreeMap<String, [f64; 2]>,
}

/// Leaves out one configuration after the other. `None` for fewer than two configurations.
#[must_use]
pub(super) fn left_out(cases: &[Case]) -> Option<LeftOut> {
    let names: BTreeSet<&str> = cases.iter().map(|case| case.record.config.as_str()).collect();
    if names.len() < 2 {
        return None;
    }
    let predicted: Vec<Vec<BTreeMap<String, [f64; 2]>>> = names
        .into_par_iter()
        .map(|name| {
            let (out, rest): (Vec<Case>, Vec<Case>) =
                cases.iter().cloned().partition(|case| case.record.config == name);
            let fits = fits(&rest);
            out.iter().map(|case| block_energies(case, &fits)).collect()
        })
        .collect();
    let layers: Vec<_> = predicted.into_iter().flatten().collect();
    let key = |block: &Block, class: &Class| label(*block, *class);
    let keys = Block::CELLS.iter().flat_map(|b| Class::ALL.iter().map(move |c| key(b, c)));
    let blocks = keys.map(|key| {
        let pairs: Vec<[f64; 2]> = layers.iter().map(|layer| layer[&key]).collect();
        (key, residuals(&pairs))
    });
    Some(LeftOut { blocks: blocks.collect(), components: components(layers.iter()) })
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::cases;
    use super::*;

    #[test]
    fn a_configuration_is_predicted_from_the_others() {
        let mut list = cases(40);
        assert_eq!(left_out(&list), None);
        for (number, case) in list.iter_mut().enumerate() {
            case.record.config = ["a", "b"][number % 2].into();
        }
        let found = left_out(&list).unwrap();
        assert!(found.components.iter().all(|c| c.max_error < 1e-3), "{:?}", found.components);
        assert_eq!(found.blocks.len(), Block::CELLS.len() * Class::ALL.len());
        // The loader of one of them takes twice the energy. So the fit to it predicts twice the energy of the other,
        // and the fit to the other half its energy.
        let key = label(Block::Loader, Class::Data);
        for case in list.iter_mut().filter(|case| case.record.config == "b") {
            *case.record.energy.get_mut(&key).unwrap() *= 2.0;
        }
        let found = left_out(&list).unwrap();
        assert!((found.blocks[&key][0] - 0.75).abs() < 0.02, "{:?}", found.blocks[&key]);
        let loader = found.components.iter().find(|c| c.name == "loader").unwrap();
        assert_eq!([loader.mean_error, loader.max_error], found.blocks[&key]);
        let drain = found.components.iter().find(|c| c.name == "drain").unwrap();
        assert!(drain.max_error < 1e-3);
    }
}
