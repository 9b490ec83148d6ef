import Foundation

/// What `Package.swift` declares: its targets and the modules that each depends on.
struct Manifest {
    struct Target {
        let name: String
        let isTest: Bool
        /// Modules by name; a product that the manifest calls by a shorter name stands under its own.
        let dependencies: Set<String>
    }

    let targets: [Target]
    /// The products of other packages that the manifest has names for.
    let products: Set<String>
    /// The packages that are fetched, and those that a product is taken of.
    let packages, usedPackages: Set<String>

    init(_ text: String) {
        // What follows is for the fuzzer, and made of the same rooms.
        let text = text.components(separatedBy: "\nif Context.environment").first ?? text
        var names: [String: String] = [:]
        var used: Set<String> = []
        for match in text.matches(of: /static let (\w+) = product\(name: "(\w+)", package: "([^"]+)"\)/) {
            names[String(match.1)] = String(match.2)
            used.insert(String(match.3))
        }
        products = Set(names.values)
        usedPackages = used
        packages = Set(text.matches(of: /\.package\(url: "[^"]*\/([^"\/]+)"/).map { String($0.1) })
        var targets: [Target] = []
        let list = text.components(separatedBy: "\n    targets: [").dropFirst().first ?? ""
        for match in list.matches(of: /\b(room|tests|target|executableTarget)\(\s*(?:name: )?"(\w+)"/) {
            let call = Self.bracketed(list[match.range.upperBound...], "(", ")", depth: 1)
            // The name is followed by its dependencies, if by anything in brackets; resources and linker settings have labels.
            let rest = call.drop { $0.isWhitespace || $0 == "," }
            let label = rest.prefix { $0 != "[" }.trimmingCharacters(in: .whitespacesAndNewlines)
            let hasDependencies = rest.contains("[") && ["", "dependencies:"].contains(label)
            let inside = hasDependencies ? Self.bracketed(rest.drop { $0 != "[" }.dropFirst(), "[", "]", depth: 1) : ""
            let dependencies = inside.matches(of: /"(\w+)"|\.(\w+)/).map { item in
                item.1.map(String.init) ?? item.2.map { names[String($0)] ?? ".\($0)" } ?? ""
            }
            targets.append(Target(name: String(match.2), isTest: match.1 == "tests", dependencies: Set(dependencies)))
        }
        self.targets = targets
    }

    /// The text up to where the bracket closes that `depth` are open of.
    private static func bracketed(_ text: Substring, _ opening: Character, _ closing: Character, depth: Int) -> Substring {
        var depth = depth
        return text.prefix { character in
            if character == opening { depth += 1 } else if character == closing { depth -= 1 }
            return depth > 0
        }
    }
}
