import Foundation
import Yams

extension Settings {
    /// The file that is read when none is named and it is in the working folder.
    package static let defaultFile = "config.yaml"

    /// Reads the configuration: the defaults, then the file, then the environment, then the flags; later ones win.
    ///
    /// - Parameters:
    ///   - path: the file; `nil` means `config.yaml` in the working folder, or the defaults where that is missing.
    ///   - overrides: values from flags.
    ///   - environment: looks up an environment variable.
    ///   - needsSecrets: whether a named variable that is missing is an error; `false` for commands that use no secret.
    /// - Throws: every problem found, in the order of the file.
    package static func load(
        path: String?, overrides: Overrides = Overrides(), environment: (String) -> String?, needsSecrets: Bool = true
    ) throws(SettingsErrors) -> LoadedSettings {
        let file = path ?? (FileManager.default.fileExists(atPath: defaultFile) ? defaultFile : nil)
        let text = try file.map { file throws(SettingsErrors) in try contents(of: file) } ?? ""
        return try load(text: text, file: file, overrides: overrides, environment: environment, needsSecrets: needsSecrets)
    }

    /// The same for a text that was read already; `file` names it in errors.
    package static func load(
        text: String, file: String?, overrides: Overrides = Overrides(), environment: (String) -> String?, needsSecrets: Bool = true
    ) throws(SettingsErrors) -> LoadedSettings {
        var reader = SettingsReader(file: file ?? defaultFile)
        reader.read(text)
        if let directory = environment("REPRISE_MODEL_DIR"), !directory.isEmpty { reader.settings.embedder.modelDirectory = directory }
        reader.apply(overrides)
        reader.checkRelations()
        let secrets = reader.resolveSecrets(environment, needed: needsSecrets)
        guard reader.problems.isEmpty else { throw SettingsErrors(problems: reader.problemsInOrder) }
        let paths = LoadedSettings.Paths(reader.settings, environment: environment)
        return LoadedSettings(settings: reader.settings, file: file, secrets: secrets, paths: paths)
    }

    private static func contents(of file: String) throws(SettingsErrors) -> String {
        func failure(_ message: String) -> SettingsErrors { SettingsErrors(problems: [.init(place: .wholeFile(file), message: message)]) }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: file, isDirectory: &isFolder) else { throw failure("there is no such file") }
        if isFolder.boolValue { throw failure("expected a file; found a folder") }
        let data: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
            defer { try? handle.close() }
            data = try handle.read(upToCount: YAMLDocument.sizeLimit + 1) ?? Data()
        } catch {
            throw failure("the file cannot be read: \((error as NSError).localizedDescription)")
        }
        guard data.count <= YAMLDocument.sizeLimit else { throw failure("expected at most \(ByteCount(YAMLDocument.sizeLimit)); the file is larger") }
        guard let text = String(bytes: data, encoding: .utf8) else {
            // Reading lossily puts U+FFFD in the place of the first bad byte, which tells its line.
            let before = String(decoding: data, as: UTF8.self).unicodeScalars.prefix { $0 != "\u{FFFD}" }
            throw failure("expected text in UTF-8; line \(before.count { $0 == "\n" } + 1) holds other bytes")
        }
        return text
    }
}
