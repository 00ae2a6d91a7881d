//! The fixed vocabulary of what applications are for.

macro_rules! categories {
    ($($variant:ident $word:literal $doc:literal;)*) => {
        /// What an application is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Category {
            $( #[doc = $doc] $variant, )*
        }

        impl Category {
            /// Every category, in the order of the documentation.
            pub const ALL: &[Category] = &[ $( Category::$variant ),* ];

            /// The word for it in files, filters and records.
            pub fn name(self) -> &'static str {
                match self { $( Category::$variant => $word ),* }
            }
        }
    };
}

categories! {
    Web "web" "Sites that fit nowhere else: portals, blogs, site builders.";
    Search "search" "Search engines.";
    Social "social" "Social networks, forums, dating.";
    Messaging "messaging" "Chat and voice between people.";
    Mail "mail" "Electronic mail.";
    Streaming "streaming" "Video and television.";
    Music "music" "Music, radio, audio books.";
    VideoCall "video_call" "Meetings.";
    Gaming "gaming" "Games and their shops.";
    Shopping "shopping" "Shops and market places.";
    Finance "finance" "Banks, payment, exchanges.";
    Cloud "cloud" "Hosting, platforms, office suites.";
    Cdn "cdn" "Content delivery for others.";
    Developer "developer" "Source code, packages, tools for programmers.";
    News "news" "Newspapers and magazines.";
    Storage "storage" "Files and pictures kept or shared.";
    Advertising "advertising" "Advertisements and campaigns.";
    Analytics "analytics" "Measuring visitors, applications and lines.";
    OsUpdate "os_update" "Operating systems, their updates and packages.";
    Security "security" "Certificates, malware protection, identity.";
    Vpn "vpn" "Tunnels and anonymity.";
    Dns "dns" "Public resolvers.";
    RemoteAccess "remote_access" "Desktops and machines at a distance.";
    Business "business" "Tools for organisations.";
    Education "education" "Learning.";
    Reference "reference" "Encyclopedias, catalogues, weather.";
    Sports "sports" "Sports.";
    Travel "travel" "Journeys, maps, lodging.";
    Adult "adult" "For adults.";
    Ai "ai" "Language models and their like.";
    Iot "iot" "Devices at home, phones and cars.";
    Government "government" "Public bodies.";
    Health "health" "Medicine and fitness.";
}

impl Category {
    /// The category a word stands for.
    pub fn from_name(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|category| category.name() == word)
    }
}

impl std::fmt::Display for Category {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
