use pecan_hdl::{blocks::Accelerator, config::preset, emit::emit};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let mut c = preset(&args[1]).unwrap();
    if args.len() > 3 {
        c.weights.sparsity = pecan_hdl::config::Sparsity::Dense;
    }
    let t = std::time::Instant::now();
    let a = Accelerator::new(&c);
    match emit(&a, "pecan") {
        Ok(d) => {
            eprintln!("{} modules {:?}", d.modules.len(), t.elapsed());
            std::fs::create_dir_all(&args[2]).unwrap();
            for m in &d.modules {
                std::fs::write(format!("{}/{}.v", args[2], m.name), &m.text).unwrap();
            }
        }
        Err(e) => println!("{e}"),
    }
}
