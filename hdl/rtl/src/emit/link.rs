//! Lowers `wires::link`: one assignment for each pair of signals of the same name.

use rust_hdl_core::ast::VerilogLink;

use super::ir::{Block, Dir, Expr, NetId, Role, Stmt};
use super::lower::{Lower, Symbol};

impl Lower<'_> {
    pub(super) fn links(&mut self, links: &[VerilogLink], out: &mut Block) {
        for link in links {
            let (VerilogLink::Forward(ends)
            | VerilogLink::Backward(ends)
            | VerilogLink::Bidirectional(ends)) = link;
            match (self.side(&ends.owner_name), self.side(&ends.other_name)) {
                (Ok(outer), Ok(inner)) => self.link(&outer, &inner, out),
                (Err(message), _) => self.complain(&ends.owner_name, message),
                (_, Err(message)) => self.complain(&ends.other_name, message),
            }
        }
    }

    /// The path of one side, with evaluated indices.
    fn side(&self, text: &str) -> Result<String, String> {
        self.path(&text.chars().filter(|c| !c.is_whitespace()).collect::<String>())
    }

    /// The signals of a bundle: the rest of their paths, and the nets.
    fn fields(&self, bundle: &str) -> Vec<(String, NetId)> {
        let inside = self.symbols.range(format!("{bundle}$")..format!("{bundle}%"));
        let single = self.symbols.get_key_value(bundle);
        let nets = single.into_iter().chain(inside).filter_map(|(path, symbol)| match symbol {
            Symbol::Net(net) => Some((path[bundle.len()..].to_owned(), *net)),
            Symbol::Const(_) => None,
        });
        nets.collect()
    }

    fn link(&mut self, outer: &str, inner: &str, out: &mut Block) {
        let (ours, theirs) = (self.fields(outer), self.fields(inner));
        if ours.is_empty() {
            return self.complain(outer, "no such signals in this block");
        }
        let names = |side: &[(String, NetId)]| side.iter().map(|f| f.0.clone()).collect::<Vec<_>>();
        if names(&ours) != names(&theirs) {
            let fields = names(&ours).join(", ").replace('$', ".");
            let message =
                format!("linked with `{inner}`, which has not the same signals ({fields})");
            return self.complain(outer, message);
        }
        for ((_, outer), (_, inner)) in ours.into_iter().zip(theirs) {
            let role = |net: NetId| self.scope.nets[net].role;
            let (target, source) = match (role(outer), role(inner)) {
                (Role::Own(_) | Role::ChildOut(_), Role::ChildIn(_)) => (inner, outer),
                (Role::Own(Dir::Out | Dir::Local) | Role::ChildIn(_), Role::ChildOut(_))
                | (Role::Own(Dir::Out), Role::Own(Dir::Local)) => (outer, inner),
                _ => {
                    let path = self.scope.nets[outer].path.clone();
                    let message = "linked with a signal of the same direction; a block's own side comes first";
                    self.complain(&path, message);
                    continue;
                }
            };
            out.push(Stmt::Assign(target, Expr::Net(source)));
        }
    }
}
