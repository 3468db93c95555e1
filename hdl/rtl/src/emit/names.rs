//! Verilog names.
//!
//! The refused names are the keywords of Verilog-2005 (IEEE 1364-2005) and of SystemVerilog (IEEE 1800-2017): many
//! tools read `.v` files as SystemVerilog.

use std::collections::HashMap;

const KEYWORDS: &str = "always and assign automatic begin buf bufif0 bufif1 case casex casez cell \
    cmos config deassign default defparam design disable edge else end endcase endconfig \
    endfunction endgenerate endmodule endprimitive endspecify endtable endtask event for force \
    forever fork function generate genvar highz0 highz1 if ifnone incdir include initial inout \
    input instance integer join large liblist library localparam macromodule medium module nand \
    negedge nmos nor noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive \
    pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent rcmos real realtime reg \
    release repeat rnmos rpmos rtran rtranif0 rtranif1 scalared showcancelled signed small specify \
    specparam strong0 strong1 supply0 supply1 table task time tran tranif0 tranif1 tri tri0 tri1 \
    triand trior trireg unsigned use uwire vectored wait wand weak0 weak1 while wire wor xnor xor \
    accept_on alias always_comb always_ff always_latch assert assume before bind bins binsof bit \
    break byte chandle char checker class clocking const constraint context continue cover \
    covergroup coverpoint cross dist do endchecker endclass endclocking endgroup endinterface \
    endpackage endprogram endproperty endsequence enum eventually expect export extends extern \
    final first_match foreach forkjoin global iff ignore_bins illegal_bins implements implies \
    import inside int interconnect interface intersect join_any join_none let local logic \
    longint matches modport nettype new nexttime null package packed priority program property \
    protected pure rand randc randcase randsequence ref reject_on restrict return s_always \
    s_eventually s_nexttime s_until s_until_with sequence shortint shortreal soft solve static \
    string strong struct super sync_accept_on sync_reject_on tagged this throughout \
    timeprecision timeunit type typedef union unique unique0 until until_with untyped var \
    virtual void wait_order weak wildcard with within";

/// The Verilog name of a path in the design.
pub(super) fn flat(path: &str) -> String {
    path.replace('$', "_")
}

/// The name of a sub-block's instance. Its prefix distinguishes it from the signals inside the sub-block, which would
/// hide a plain name from Verilog's upward name search.
pub(super) fn instance(path: &str) -> String {
    format!("u_{}", flat(path))
}

/// `State$WaitRow` as a constant: `STATE_WAIT_ROW`.
pub(super) fn constant(path: &str) -> String {
    let mut name = String::new();
    let mut after_lower = false;
    for c in path.chars() {
        if c.is_ascii_uppercase() && after_lower {
            name.push('_');
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        name.push(if c == '$' { '_' } else { c.to_ascii_uppercase() });
    }
    name
}

/// Whether the word is a keyword of Verilog-2005 or SystemVerilog.
pub fn is_keyword(word: &str) -> bool {
    KEYWORDS.split_ascii_whitespace().any(|keyword| keyword == word)
}

/// The names used in one module (or in the design, for modules) and their owners.
#[derive(Debug, Default)]
pub(super) struct Taken(HashMap<String, String>);

impl Taken {
    /// Reserves `name` for `owner`; the error describes the problem of the name.
    pub(super) fn take(&mut self, name: &str, owner: &str) -> Result<(), String> {
        let legal = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !legal {
            return Err(format!("`{name}` is not a Verilog name"));
        }
        if is_keyword(name) {
            return Err(format!("`{name}` is a Verilog keyword"));
        }
        match self.0.insert(name.to_owned(), owner.to_owned()) {
            Some(other) if other != owner => {
                Err(format!("its Verilog name `{name}` is also that of {other}"))
            }
            _ => Ok(()),
        }
    }

    /// Reserves the first free name among `name`, `name_2`, `name_3`, ...
    pub(super) fn fresh(&mut self, name: &str) -> String {
        let mut free = name.to_owned();
        let mut n = 2;
        while self.0.contains_key(&free) {
            free = format!("{name}_{n}");
            n += 1;
        }
        self.0.insert(free.clone(), free.clone());
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clashes_and_keywords_are_refused() {
        let mut taken = Taken::default();
        assert_eq!(taken.take(&flat("a$0$b"), "a$0$b"), Ok(()));
        assert!(taken.take("a_0_b", "a_0$b").is_err_and(|e| e.contains("a$0$b")));
        for keyword in ["endcase", "inside", "within", "final", "unique0"] {
            assert!(taken.take(keyword, keyword).is_err_and(|e| e.contains("keyword")));
        }
        assert!(taken.take("1x", "1x").is_err());
        assert_eq!(taken.fresh("a_0_b"), "a_0_b_2");
    }

    #[test]
    fn constants() {
        assert_eq!(constant("LoadState$WaitRow2"), "LOAD_STATE_WAIT_ROW2");
    }
}
