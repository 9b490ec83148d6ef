import Logging
import Proxy
import Settings

/// Where lines about requests go: standard error, and the access-log file where one is named.
struct LogSinks {
    private let standardError: LineSink?
    private let access: LineSink?

    /// Opens what the settings name; an access log that cannot be written is an error, because whoever named it relies on it.
    init(_ loaded: LoadedSettings) throws(StartError) {
        do throws(LineSinkError) {
            standardError = [.trace, .debug, .info].contains(loaded.settings.log.level) ? try LineSink(.standardError) : nil
            if let path = loaded.paths.accessFile { access = try LineSink(.file(path)) } else { access = nil }
        } catch {
            throw .accessLog(error.description)
        }
    }

    /// Those who write the lines, under the rules of what may be kept as they stand.
    func observers(_ settings: Settings.Log, under options: LiveOptions) -> [any RequestObserver] {
        var observers: [any RequestObserver] = []
        if let standardError {
            observers.append(RequestLog(format: LogLines.format(settings), showsPrompts: settings.prompts, sink: standardError))
        }
        if let access {
            observers.append(AccessLog(content: settings.accessContent, mayKeep: { options.current.storage.allowsStoring($0) }, sink: access))
        }
        return observers
    }

    /// The lines that were dropped because the other end did not follow.
    var dropped: Int { (standardError?.dropped ?? 0) + (access?.dropped ?? 0) }

    /// Writes what waits.
    func close() async {
        await standardError?.close()
        await access?.close()
    }
}
