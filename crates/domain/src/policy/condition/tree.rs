//! The tree that a condition is compiled to: typed, so that judging has no case for an ill-typed expression.
//!
//! Invariant: a tree is no deeper than the compiler allows, so walking it by recursion is safe on any stack.

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
    /// Its overflow counts as the absence of the fact named.
    Negative(Box<Self>, FactName),
    /// Its fault (overflow, division by zero) counts as the absence of the fact named.
    Arithmetic(Operator, Box<Self>, Box<Self>, FactName),
    Size(List),
    Length(Text),
    If(Box<Bool>, Box<Self>, Box<Self>),
}

/// What is reckoned with two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Plus,
    Minus,
    Times,
    Over,
    Modulo,
}

impl Operator {
    /// The result; `None` when it overflows or divides by zero.
    pub(super) fn apply(self, left: i64, right: i64) -> Option<i64> {
        match self {
            Self::Plus => left.checked_add(right),
            Self::Minus => left.checked_sub(right),
            Self::Times => left.checked_mul(right),
            Self::Over => left.checked_div(right),
            Self::Modulo => left.checked_rem(right),
        }
    }
}

/// A text.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Plain(Plain),
    Lower(Box<Self>),
    Upper(Box<Self>),
    If(Box<Bool>, Box<Self>, Box<Self>),
}

/// A text that is there already, and not made while judging.
#[derive(Clone, Debug)]
pub(super) enum Plain {
    Literal(String),
    Fact(FactName),
    Field(Element, Field),
    /// The element itself, of a list of texts.
    Element(Element),
}

impl Text {
    /// The text, if it is written out.
    pub(super) fn literal(&self) -> Option<&str> {
        match self {
            Self::Plain(plain) => plain.literal(),
            Self::Lower(_) | Self::Upper(_) | Self::If(..) => None,
        }
    }
}

impl Plain {
    /// The text, if it is written out.
    pub(super) fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Fact(_) | Self::Field(..) | Self::Element(_) => None,
        }
    }
}

/// Something with elements.
#[derive(Clone, Debug)]
pub(super) enum List {
    Sponsors,
    Projects,
    Roles,
    EligibleRoles,
    AppRoles,
    Packages,
    Texts(Vec<Plain>),
    /// Those elements for which the condition is true.
    Filter(Box<Self>, Box<Bool>),
}

/// What a list's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sponsor,
    Project,
    AppRole,
    Package,
    Text,
}

impl List {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Sponsors => Kind::Sponsor,
            Self::Projects => Kind::Project,
            Self::AppRoles => Kind::AppRole,
            Self::Packages => Kind::Package,
            Self::Roles | Self::EligibleRoles | Self::Texts(_) => Kind::Text,
            Self::Filter(list, _) => list.kind(),
        }
    }
}

/// The variable of a macro over a list, counted outwards: 0 is that of the innermost macro around.
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
    AppRoleApplication,
    AppRoleRole,
    AppRoleRoleName,
    AppRoleDays,
    PackageName,
    PackageEndsInDays,
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
    pub(super) const APP_ROLE: [(&'static str, Self); 4] = [
        ("application", Self::AppRoleApplication),
        ("role", Self::AppRoleRole),
        ("role_name", Self::AppRoleRoleName),
        ("days", Self::AppRoleDays),
    ];
    pub(super) const PACKAGE: [(&'static str, Self); 2] = [
        ("name", Self::PackageName),
        ("ends_in_days", Self::PackageEndsInDays),
    ];

    pub(super) fn field_type(self) -> FieldType {
        match self {
            Self::SponsorEnabled
            | Self::SponsorEligible
            | Self::SponsorGuest
            | Self::ProjectEnded => FieldType::Bool,
            Self::ProjectEndsInDays | Self::AppRoleDays | Self::PackageEndsInDays => FieldType::Int,
            Self::SponsorKind
            | Self::SponsorMail
            | Self::ProjectName
            | Self::AppRoleApplication
            | Self::AppRoleRole
            | Self::AppRoleRoleName
            | Self::PackageName => FieldType::Text,
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
            Self::AppRoleApplication
            | Self::AppRoleRole
            | Self::AppRoleRoleName
            | Self::AppRoleDays => FactName::AppRoles,
            Self::PackageName | Self::PackageEndsInDays => FactName::AccessPackages,
        }
    }
}
