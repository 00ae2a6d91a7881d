//! `#[derive(Fields)]`: a struct's members become its fields, each with a constant (`Self::NAME`)
//! by which it can be asked whether somebody reads it.
//!
//! Each member's doc comment is the field's documentation. `#[field(…)]` may add
//! `id = N` (MMT's attribute id), `alias = "name"` (repeatable), `name = "word"` (where the
//! wire's word is no Rust identifier) and `scope = "packet|session|session-changing|event"`.

use proc_macro::TokenStream;
use proc_macro2::{Group, Ident, TokenStream as Tokens, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Expr, ExprLit, Fields as Members, Lit, Meta, parse_macro_input};

/// Derives `nf_fields::Fields` and `nf_fields::AsValue` for a struct with named members.
#[proc_macro_derive(Fields, attributes(field))]
pub fn derive_fields(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(|e| e.to_compile_error()).into()
}

fn expand(input: &DeriveInput) -> syn::Result<Tokens> {
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new_spanned(input, "Fields can be derived for structs only"));
    };
    let Members::Named(members) = &data.fields else {
        return Err(syn::Error::new_spanned(input, "Fields needs named members"));
    };
    let mut descriptions = Vec::new();
    let mut getters = Vec::new();
    let mut sets = Vec::new();
    for (position, member) in members.named.iter().enumerate() {
        let Some(ident) = member.ident.as_ref() else {
            continue;
        };
        let ty = without_lifetimes(member.ty.to_token_stream());
        let attributes = Attributes::read(member)?;
        let doc = attributes.doc;
        if doc.is_empty() {
            return Err(syn::Error::new_spanned(member, "a field needs a doc comment"));
        }
        let constant = format_ident!("{}", ident.unraw().to_string().to_uppercase());
        let set_doc = format!("The field `{}`.", ident.unraw());
        sets.push(quote! {
            #[doc = #set_doc]
            pub const #constant: ::nf_fields::FieldSet = ::nf_fields::FieldSet::one(#position);
        });
        let name = attributes.name.unwrap_or_else(|| ident.to_string());
        let (id, aliases, scope) = (attributes.id, attributes.aliases, attributes.scope);
        descriptions.push(quote! {
            ::nf_fields::Field {
                name: #name, id: #id, ty: <#ty as ::nf_fields::AsValue>::TYPE,
                scope: #scope, aliases: &[#(#aliases),*], doc: #doc,
            }
        });
        getters.push(quote! { #position => ::nf_fields::AsValue::value(&self.#ident) });
    }
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        // Most are of no use to most parsers.
        #[allow(dead_code)]
        impl #generics #name #arguments #bounds {
            #(#sets)*
        }
        impl #generics ::nf_fields::Fields for #name #arguments #bounds {
            fn fields() -> &'static [::nf_fields::Field] {
                const FIELDS: &[::nf_fields::Field] = &[#(#descriptions),*];
                FIELDS
            }
            fn field_list(&self) -> &'static [::nf_fields::Field] {
                <Self as ::nf_fields::Fields>::fields()
            }
            fn get(&self, position: usize) -> ::nf_fields::Value<'_> {
                match position { #(#getters,)* _ => ::nf_fields::Value::None }
            }
        }
        impl #generics ::nf_fields::AsValue for #name #arguments #bounds {
            const TYPE: ::nf_fields::Type =
                ::nf_fields::Type::Record(<Self as ::nf_fields::Fields>::fields);
            fn value(&self) -> ::nf_fields::Value<'_> { ::nf_fields::Value::Record(self) }
        }
    })
}

/// A member's type as a constant may name it: every lifetime becomes `'static`.
fn without_lifetimes(ty: Tokens) -> Tokens {
    let mut after_quote = false;
    ty.into_iter()
        .map(|token| match token {
            TokenTree::Group(group) => {
                let inner = without_lifetimes(group.stream());
                TokenTree::Group(Group::new(group.delimiter(), inner))
            }
            TokenTree::Ident(name) if after_quote => {
                after_quote = false;
                TokenTree::Ident(Ident::new("static", name.span()))
            }
            other => {
                after_quote = matches!(&other, TokenTree::Punct(p) if p.as_char() == '\'');
                other
            }
        })
        .collect()
}

struct Attributes {
    doc: String,
    name: Option<String>,
    id: u16,
    aliases: Vec<String>,
    scope: Tokens,
}

impl Attributes {
    fn read(member: &syn::Field) -> syn::Result<Self> {
        let mut found = Self {
            doc: String::new(),
            name: None,
            id: 0,
            aliases: Vec::new(),
            scope: quote!(::nf_fields::Scope::Packet),
        };
        for attribute in &member.attrs {
            if attribute.path().is_ident("doc") {
                if let Meta::NameValue(pair) = &attribute.meta
                    && let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value
                {
                    if !found.doc.is_empty() {
                        found.doc.push(' ');
                    }
                    found.doc.push_str(text.value().trim());
                }
            } else if attribute.path().is_ident("field") {
                attribute.parse_nested_meta(|meta| {
                    let value = meta.value()?;
                    if meta.path.is_ident("id") {
                        found.id = value.parse::<syn::LitInt>()?.base10_parse()?;
                    } else if meta.path.is_ident("alias") {
                        found.aliases.push(value.parse::<syn::LitStr>()?.value());
                    } else if meta.path.is_ident("name") {
                        found.name = Some(value.parse::<syn::LitStr>()?.value());
                    } else if meta.path.is_ident("scope") {
                        let word = value.parse::<syn::LitStr>()?;
                        found.scope = match word.value().as_str() {
                            "packet" => quote!(::nf_fields::Scope::Packet),
                            "session" => quote!(::nf_fields::Scope::Session),
                            "session-changing" => quote!(::nf_fields::Scope::SessionChanging),
                            "event" => quote!(::nf_fields::Scope::Event),
                            _ => return Err(syn::Error::new_spanned(word, "unknown scope")),
                        };
                    } else {
                        return Err(meta.error("expected id, alias, name or scope"));
                    }
                    Ok(())
                })?;
            }
        }
        Ok(found)
    }
}
