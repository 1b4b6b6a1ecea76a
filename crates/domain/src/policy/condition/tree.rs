//! The tree that a condition is compiled to: typed, so that judging has no case for what cannot be.

use regex::Regex;

use crate::facts::FactName;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// An expression that is true, false or unknown.
#[derive(Clone, Debug)]
pub(super) enum Bool {
    Literal(bool),
    Fact(FactName),
    Field(Element, Field),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    If(Box<Self>, Box<Self>, Box<Self>),
    Ints(Comparison, Int, Int),
    Texts(Comparison, Text, Text),
    Bools(Comparison, Box<Self>, Box<Self>),
    /// `has(guest.fact)`
    Has(FactName),
    /// `has(element.field)`
    HasField(Element, Field),
    /// `"key" in guest.groups`
    InGroup(String),
    TextIn(Text, List),
    IntIn(Int, Vec<Int>),
    StartsWith(Text, Text),
    EndsWith(Text, Text),
    Contains(Text, Text),
    Matches(Text, Regex),
    All(List, Box<Self>),
    Exists(List, Box<Self>),
    ExistsOne(List, Box<Self>),
}

/// A whole number.
#[derive(Clone, Debug)]
pub(super) enum Int {
    Literal(i64),
    Fact(FactName),
    Field(Element, Field),
    Negative(Box<Self>),
    Arithmetic(Operator, Box<Self>, Box<Self>),
    Size(List),
    Length(Text),
    If(Box<Bool>, Box<Self>, Box<Self>),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    Plus,
    Minus,
    Times,
    Over,
    Modulo,
}

/// A text.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Literal(String),
    Fact(FactName),
    Field(Element, Field),
    /// The element itself, of a list of texts.
    Element(Element),
    Lower(Box<Self>),
    If(Box<Bool>, Box<Self>, Box<Self>),
}

/// Something with elements.
#[derive(Clone, Debug)]
pub(super) enum List {
    Sponsors,
    Projects,
    Roles,
    Texts(Vec<Text>),
    /// Those elements for which the condition is true.
    Filter(Box<Self>, Box<Bool>),
}

/// What a list's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sponsor,
    Project,
    Text,
}

impl List {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Sponsors => Kind::Sponsor,
            Self::Projects => Kind::Project,
            Self::Roles | Self::Texts(_) => Kind::Text,
            Self::Filter(list, _) => list.kind(),
        }
    }
}

/// The variable of a comprehension, counted from the outermost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element(pub(super) usize);

/// A field of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    SponsorKind,
    SponsorEnabled,
    SponsorEligible,
    SponsorGuest,
    SponsorMail,
    ProjectName,
    ProjectEnded,
    ProjectEndsInDays,
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldType {
    Bool,
    Int,
    Text,
}

impl Field {
    pub(super) const SPONSOR: [(&'static str, Self); 5] = [
        ("kind", Self::SponsorKind),
        ("enabled", Self::SponsorEnabled),
        ("eligible", Self::SponsorEligible),
        ("guest", Self::SponsorGuest),
        ("mail", Self::SponsorMail),
    ];
    pub(super) const PROJECT: [(&'static str, Self); 3] = [
        ("name", Self::ProjectName),
        ("ended", Self::ProjectEnded),
        ("ends_in_days", Self::ProjectEndsInDays),
    ];

    pub(super) fn field_type(self) -> FieldType {
        match self {
            Self::SponsorEnabled
            | Self::SponsorEligible
            | Self::SponsorGuest
            | Self::ProjectEnded => FieldType::Bool,
            Self::ProjectEndsInDays => FieldType::Int,
            Self::SponsorKind | Self::SponsorMail | Self::ProjectName => FieldType::Text,
        }
    }

    /// The fact whose list it belongs to.
    pub(super) fn fact(self) -> FactName {
        match self {
            Self::SponsorKind
            | Self::SponsorEnabled
            | Self::SponsorEligible
            | Self::SponsorGuest
            | Self::SponsorMail => FactName::Sponsors,
            Self::ProjectName | Self::ProjectEnded | Self::ProjectEndsInDays => FactName::Projects,
        }
    }
}
