use pecan_ir::layer::Shape;
use pecan_ir::reference;

use super::*;
use crate::testing::shared_file;

const HEADER: &str = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, \
                      Channels, Num Filter, Strides,\n";

fn parse(lines: &str) -> Result<Topology, TopologyError> {
    Topology::parse("t", "t.csv", &format!("{HEADER}{lines}"))
}

#[test]
fn shapes_from_lines() {
    let text = ",,,,,,,,\n\nc, 9, 8 ,3,3, 2, 5, 2,,,x,\nDW, 7,7,3,3,4,1,1,\nc,1,1,1,1,16,10,1";
    let topology = parse(text).unwrap();
    let [a, b, c] = topology.layers.as_slice() else { panic!() };
    assert_eq!((a.output(), a.groups, a.weights()), (Ok(Shape::new(5, 4, 3)), 1, 90));
    assert_eq!(a.name, "c");
    assert_eq!((b.output(), b.groups, b.weights()), (Ok(Shape::new(4, 5, 5)), 4, 36));
    assert_eq!((c.name.as_str(), c.output()), ("c#2", Ok(Shape::new(10, 1, 1))));
    // Without a header, with two strides, and as matrix products.
    let plain = Topology::parse("t", "t", "c,9,8,3,3,2,5,2").unwrap();
    assert_eq!(plain.layers[0].output(), a.output());
    let header = "Layer,IH,IW,FH,FW,C,N,Stride height,Stride width\nc,9,9,3,3,2,5,1,2";
    let two = Topology::parse("t", "t", header).unwrap();
    assert_eq!(two.layers[0].output(), Ok(Shape::new(5, 7, 4)));
    let product = Topology::parse("t", "t", "Layer,M,N,K,\np,6,5,4,").unwrap();
    let layer = &product.layers[0];
    assert_eq!((layer.input, layer.output()), (Shape::new(4, 6, 1), Ok(Shape::new(5, 6, 1))));
}

#[test]
fn mistakes_are_found_by_line_and_column() {
    let problem = |lines: &str| parse(lines).unwrap_err().to_string();
    assert!(problem("c,9,9,3,x,2,5,1").starts_with("t.csv:2:5: filter columns is `x`; allowed: 1"));
    assert!(problem("c,9,9,3,3,2,5").starts_with("t.csv:2:8: stride is ``"));
    assert!(problem("a,9,9,3,3,2,5,1\n,9,9,3,3,2,5,1").starts_with("t.csv:3:1: the name is empty"));
    assert!(problem("c,2,9,3,3,2,5,1").starts_with("t.csv:2:4: filter [3, 3] exceeds"));
    assert!(problem("c,9,9,3,3,0,5,1").contains(":6: channels is `0`"));
    assert!(problem("c,99999,99999,3,3,2,5,1").contains("at most"));
    assert_eq!(problem(""), "t.csv: no layer");
    assert!(Topology::read(Path::new("absent.csv")).unwrap_err().to_string().contains("absent"));
}

#[test]
fn separators_and_quotes_are_read() {
    let comma = "name,h,w,fh,fw,c,n,s,\na,9,9,3,3,8,10,2,\nb,6,6,3,3,8,1,1,\n";
    let expected = Topology::parse("t", "t.csv", comma).unwrap();
    for separator in [";", "\t"] {
        let text = comma.replace(',', separator);
        assert_eq!(Topology::parse("t", "t.csv", &text).unwrap(), expected, "{separator:?}");
    }
    let named = |lines: &str| {
        let text = format!("{HEADER}{lines}\n");
        let topology = Topology::parse("t", "t.csv", &text).map_err(|e| e.to_string())?;
        Ok::<_, String>(topology.layers[0].name.clone())
    };
    assert_eq!(named("\"a, \"\"b\"\"\" , 9,\"9\",3,3,8,10,2").unwrap(), "a, \"b\"");
    assert_eq!(named("a\u{1b}[31m\u{202e},9,9,3,3,8,10,2").unwrap(), "a\\u{1b}[31m\\u{202e}");
    let said = named("a,9,\"9,3,3,8,10,2").unwrap_err();
    assert!(said.contains("t.csv:2:3: a quote that is not closed"), "{said}");
    let said = named("\"a\"x,9,9,3,3,8,10,2").unwrap_err();
    assert!(said.contains("`x,9,9,3,3,8,10,2` behind a field in quotes"), "{said}");
    // A line with other separators than the first.
    let said = named("a;9;9;3;3;8;10;2").unwrap_err();
    assert!(said.contains("t.csv:2"), "{said}");
}

#[test]
fn sizes_have_limits() {
    let said = parse("a,1048576,1024,1,1,1,1,1").unwrap_err().to_string();
    assert!(said.contains("a tensor of 1073741824 values; allowed: at most 134217728"), "{said}");
    let said = parse("a,8192,8192,5,5,1,100,1").unwrap_err().to_string();
    assert!(said.contains("allowed: at most"), "{said}");
    let said = parse("a,1024,1024,33,33,16,16,1").unwrap_err().to_string();
    assert!(said.contains("multiply-accumulates; allowed: at most 68719476736"), "{said}");
    let said = parse(&format!("a,{},9,3,3,8,10,2", "9".repeat(1 << 20))).unwrap_err().to_string();
    assert!(said.len() < 300 && said.contains("9 ... 9"), "{}", said.len());
}

#[test]
fn random_networks_are_valid_and_reproducible() {
    let topology = parse("a,9,9,3,3,8,10,2\nb,6,6,3,3,8,1,1\n").unwrap();
    let options =
        RandomWeights { density: Some(0.3), lanes: 4, seed: 5, ..RandomWeights::default() };
    let networks = topology.networks(&options).unwrap().collect::<Vec<_>>();
    assert!(topology.networks(&options).unwrap().eq(networks.iter().cloned()));
    let other = topology.networks(&RandomWeights { seed: 6, ..options }).unwrap();
    assert!(other.ne(networks.iter().cloned()));
    assert_eq!(networks[0].name, "t/a");
    let Op::Conv(conv) = &networks[0].layers[0].op else { panic!() };
    // 72 places in three groups of lanes (the last of two channels).
    let used = |from: usize, to: usize| {
        (0..72).filter(|p| (from..to).any(|o| conv.weights[o * 72 + p] != 0)).count()
    };
    assert_eq!(used(0, 4) + used(4, 8) + used(8, 10), 65);
    let dense = (0..72).filter(|p| conv.weights[*p] != 0).count();
    assert_eq!(dense, used(0, 4));
    for network in &networks {
        let input = random_input(network.tensors[0], 0.5, 8, 1).unwrap();
        let output = &reference::run(network, &input).unwrap()[1];
        let nonzero = output.data.iter().filter(|v| **v > 0).count();
        let saturated = output.data.iter().filter(|v| **v == 127).count();
        assert!(nonzero * 5 > output.data.len() && saturated * 4 < output.data.len());
    }
    let none = RandomWeights { density: Some(0.0), ..options };
    topology.networks(&none).unwrap().next().unwrap().validate().unwrap();
    let bad = topology.networks(&RandomWeights { density: Some(1.5), ..options }).err().unwrap();
    assert_eq!(bad.to_string(), "density = 1.5; allowed: 0 to 1");
}

use pecan_ir::layer::Op;

#[test]
fn workloads_beside_the_project() {
    for (file, layers, macs) in [
        ("Googlenet", 58, 1_000_000_000..2_000_000_000u64),
        ("Resnet18", 21, 1_000_000_000..3_000_000_000),
        ("Resnet50", 54, 2_000_000_000..6_000_000_000),
        ("alexnet", 5, 500_000_000..3_000_000_000),
        ("mobilenet", 27, 400_000_000..700_000_000),
        ("yolo_tiny", 9, 500_000_000..6_000_000_000),
    ] {
        let Some(path) = shared_file(&format!("workloads/{file}.csv")) else { continue };
        let topology = Topology::read(&path).unwrap();
        let macs_of = |layer: &LayerShape| {
            let output = layer.output().unwrap();
            (layer.weights() * output.height * output.width) as u64
        };
        let total: u64 = topology.layers.iter().map(macs_of).sum();
        let depthwise = topology.layers.iter().filter(|l| l.groups > 1).count();
        let count = topology.layers.len();
        println!("{file}: {count} layers, {depthwise} depthwise, {total} MACs");
        assert!(macs.contains(&total) && count.abs_diff(layers) <= 4, "{file}: {count} {total}");
    }
}

#[test]
fn layers_are_chosen_by_name() {
    let text =
        "name,h,w,fh,fw,c,n,s\nConv1,8,8,3,3,2,4,1,\nConv2,8,8,3,3,2,4,1,\nFC,1,1,1,1,8,4,1,\n";
    let topology = Topology::parse("small", "small.csv", text).unwrap();
    let names = |chosen: &[&str]| {
        let chosen: Vec<String> = chosen.iter().map(ToString::to_string).collect();
        let layers = topology.clone().select(&chosen)?.layers;
        Ok::<_, TopologyError>(layers.into_iter().map(|l| l.name).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(names(&[]).unwrap(), "Conv1 Conv2 FC");
    assert_eq!(names(&["fc", "conv1"]).unwrap(), "Conv1 FC");
    assert_eq!(
        names(&["Conv3x", "pool", "FC"]).unwrap_err().to_string(),
        "no layer `Conv3x` (did you mean `Conv1`?), `pool`; layers: Conv1, Conv2, FC"
    );
}
