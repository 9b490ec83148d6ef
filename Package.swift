// swift-tools-version: 6.2
import PackageDescription

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

extension Target.Dependency {
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let deque = product(name: "DequeModule", package: "swift-collections")
    static let heap = product(name: "HeapModule", package: "swift-collections")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
    static let logging = product(name: "Logging", package: "swift-log")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioHTTPTypes = product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let nioHTTPTypesHTTP1 = product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let nioTLS = product(name: "NIOTLS", package: "swift-nio")
    static let nioEmbedded = product(name: "NIOEmbedded", package: "swift-nio")
    static let serviceLifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let yams = product(name: "Yams", package: "Yams")
}

/// One room of the house: a library target with the shared settings.
func room(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: house)
}

/// The tests of one room.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: house)
}

let package = Package(
    name: "reprise",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "reprise", targets: ["reprise"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.36.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Values and rules, no I/O.
        room("SemanticCache", [.httpTypes]),
        room("WireFormats", ["SemanticCache", .crypto, .httpTypes]),
        room("Eviction", [.heap]),
        room("Matching", ["SemanticCache"], resources: [.embedInCode("Words"), .embedInCode("Priors")]),

        room("Evaluation", ["Eviction", "Matching", "SemanticCache"]),

        // Adapters of the ports.
        .target(name: "COnnxRuntime", linkerSettings: [.linkedLibrary("dl")]),
        room("Embedding", ["COnnxRuntime", "SemanticCache", .crypto]),
        .target(name: "CSimilarity"),
        room("VectorSearch", ["CSimilarity", "SemanticCache"]),
        room("Sealing", ["SemanticCache", .crypto, .httpTypes]),
        room("Storage", ["Sealing", "SemanticCache", .crypto, .grdb, .httpTypes]),
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
        room("Forwarding", ["CCurl", "SemanticCache", .deque, .httpTypes, .nioCore, .nioHTTP1, .nioPosix, .nioSSL, .nioTLS]),
        room("SharedRedis", ["SemanticCache", .crypto, .nioCore, .nioPosix, .nioSSL]),
        .target(name: "CPostgres", linkerSettings: [.linkedLibrary("pq")]),
        room("SharedPostgres", ["CPostgres", "SemanticCache"]),

        // The life of one request, and what the outside sees of it.
        room("Telemetry", ["SemanticCache"], resources: [.embedInCode("Tables")]),
        room("Cache", ["Eviction", "Matching", "Sealing", "SemanticCache", "Telemetry", .deque, .heap, .logging, .serviceLifecycle]),
        room("Learning", ["Cache", "Matching", "SemanticCache", "Telemetry", "WireFormats", .deque, .httpTypes, .logging, .serviceLifecycle]),
        room(
            "Proxy",
            [
                "Cache", "Learning", "Matching", "SemanticCache", "Sharing", "Telemetry", "WireFormats", .crypto, .deque, .httpTypes, .logging,
                .serviceLifecycle,
            ]),
        room("Sharing", ["Cache", "Sealing", "SemanticCache", "Telemetry", .crypto, .deque, .httpTypes, .logging, .serviceLifecycle]),
        room("Settings", ["SemanticCache", .yams]),
        room("Options", ["Cache", "Learning", "Proxy", "SemanticCache", "Settings"]),
        room(
            "Server",
            [
                "Cache", "Learning", "Proxy", "SemanticCache", "Telemetry", "WireFormats", .httpTypes, .hummingbird, .hummingbirdCore, .logging,
                .nioCore, .nioHTTP1, .nioHTTPTypes, .nioHTTPTypesHTTP1, .nioSSL, .nioTLS, .serviceLifecycle,
            ], resources: [.embedInCode("Page")]),
        .executableTarget(
            name: "reprise",
            dependencies: [
                "Cache", "Embedding", "Evaluation", "Forwarding", "Learning", "Matching", "Options", "Proxy", "Sealing", "SemanticCache", "Server",
                "Settings", "SharedPostgres", "SharedRedis", "Sharing", "Storage", "Telemetry", "VectorSearch", "WireFormats", .argumentParser,
                .crypto,
                .httpTypes, .logging, .serviceLifecycle, .unixSignals,
            ],
            swiftSettings: house),

        // Doubles and conformance suites.
        room("TestSupport", ["SemanticCache", .httpTypes]),
        tests("SemanticCacheTests", ["SemanticCache", "TestSupport", .httpTypes]),
        tests("WireFormatsTests", ["SemanticCache", "TestSupport", "WireFormats", .httpTypes]),
        tests("EvictionTests", ["Eviction"]),
        tests("MatchingTests", ["Matching", "SemanticCache"]),
        tests("TelemetryTests", ["SemanticCache", "Telemetry"]),
        tests("EvaluationTests", ["Evaluation", "Matching", "SemanticCache", "TestSupport", "VectorSearch"]),
        tests("EmbeddingTests", ["Embedding", "Matching", "SemanticCache"]),
        tests("VectorSearchTests", ["CSimilarity", "SemanticCache", "TestSupport", "VectorSearch"]),
        tests("SharedRedisTests", ["SemanticCache", "SharedRedis", "TestSupport", .nioCore, .nioPosix]),
        tests("SharedPostgresTests", ["SemanticCache", "SharedPostgres", "TestSupport"]),
        tests("StorageTests", ["Sealing", "SemanticCache", "Storage", "TestSupport", .grdb]),
        tests("ForwardingTests", ["Forwarding", "SemanticCache", "TestSupport", .httpTypes]),
        tests(
            "ProxyTests",
            [
                "Cache", "Learning", "Matching", "Options", "Proxy", "SemanticCache", "Settings", "Sharing", "Telemetry", "TestSupport",
                "VectorSearch", "WireFormats", .httpTypes, .logging,
            ]),
        tests("CacheTests", ["Cache", "Matching", "SemanticCache", "Storage", "Telemetry", "TestSupport", "VectorSearch", .logging]),
        tests("LearningTests", ["Learning"]),
        tests("SharingTests", ["Cache", "SemanticCache", "Sharing", "Telemetry", "TestSupport", "VectorSearch", .httpTypes, .logging]),
        tests("SettingsTests", ["SemanticCache", "Settings", "TestSupport"]),
        tests(
            "ServerTests",
            [
                "Cache", "Learning", "Options", "Proxy", "SemanticCache", "Server", "Settings", "Telemetry", "TestSupport", "VectorSearch",
                .httpTypes, .hummingbird, .hummingbirdCore, .logging, .nioCore, .nioEmbedded, .nioHTTPTypes,
            ]),
        tests(
            "CommandTests",
            [
                "Cache", "Evaluation", "Options", "Proxy", "SemanticCache", "Settings", "Storage", "Telemetry", "TestSupport", "VectorSearch",
                "reprise",
                .argumentParser, .httpTypes, .logging,
            ]),
        tests("ArchitectureTests", []),
    ]
)

// The fuzz target links the toolchain's fuzzer, which ordinary builds do without: Scripts/fuzz asks for it. Only the package's own rooms are watched for
// coverage: what libraries do with an input is theirs.
if Context.environment["REPRISE_FUZZ"] != nil {
    let watched: SwiftSetting = .unsafeFlags(["-sanitize=fuzzer"])
    let rooms = ["SemanticCache", "WireFormats", "Matching", "Settings", "Storage", "VectorSearch"]
    for target in package.targets where rooms.contains(target.name) { target.swiftSettings = house + [watched] }
    package.targets += [
        .target(name: "CFuzzer", path: "Benchmarks/fuzz/CFuzzer"),
        .executableTarget(
            name: "reprise-fuzz",
            dependencies: ["CFuzzer", "WireFormats", "Settings", "Storage", "Matching", "VectorSearch", "SemanticCache", .grdb, .httpTypes],
            path: "Benchmarks/fuzz/Target", swiftSettings: house, linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]),
    ]
}
