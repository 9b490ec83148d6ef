import CCurl
import SemanticCache

/// A transfer's easy handle and what the transport's thread knows of it. Lives on that thread alone.
final class Exchange {
    let easy: UnsafeMutableRawPointer
    let transfer: Transfer
    private var lines: UnsafeMutablePointer<curl_slist>?
    private var head = ResponseHead()
    private var headFailure: String?
    /// When anything last moved in either direction.
    private var lastActivity = ContinuousClock.now
    /// Where libcurl writes what went wrong.
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    /// Prepares the handle; `nil` when libcurl has no memory.
    ///
    /// - Parameter wake: called from elsewhere when a streamed body has more to send.
    init?(_ transfer: Transfer, wake: @escaping @Sendable () -> Void) {
        guard let easy = curl_easy_init() else { return nil }
        self.easy = easy
        self.transfer = transfer
        let plan = transfer.plan
        // The pointer is valid while the exchange is in the transport's list, which is as long as the handle is in use.
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_pointer(easy, CURLOPT_PRIVATE, context)
        ccurl_set_string(easy, CURLOPT_URL, plan.url)
        ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_set_long(easy, CURLOPT_PATH_AS_IS, 1)
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        ccurl_set_long(easy, CURLOPT_SSLVERSION, Int(plan.minimumTLS == .v13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2))
        ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(clamping: max(1, plan.connectTimeout.wholeMilliseconds)))
        ccurl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        ccurl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
        if let caFile = plan.caFile { ccurl_set_string(easy, CURLOPT_CAINFO, caFile) }
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
        for line in plan.lines { lines = curl_slist_append(lines, line) }
        ccurl_set_list(easy, CURLOPT_HTTPHEADER, lines)
        ccurl_set_callback(easy, CURLOPT_HEADERFUNCTION, Self.onHeader)
        ccurl_set_pointer(easy, CURLOPT_HEADERDATA, context)
        ccurl_set_callback(easy, CURLOPT_WRITEFUNCTION, Self.onBody)
        ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context)
        setBody(plan, context: context, wake: wake)
    }

    private func setBody(_ plan: RequestPlan, context: UnsafeMutableRawPointer, wake: @escaping @Sendable () -> Void) {
        switch plan.body {
        case .none:
            switch plan.method {
            case "GET": ccurl_set_long(easy, CURLOPT_HTTPGET, 1)
            case "HEAD": ccurl_set_long(easy, CURLOPT_NOBODY, 1)
            case "POST", "PUT", "PATCH": setBytes([], method: plan.method)
            default: ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, plan.method)
            }
        case .bytes(let bytes):
            setBytes(bytes, method: plan.method)
        case .stream(let stream, let length):
            ccurl_set_long(easy, CURLOPT_UPLOAD, 1)
            ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, plan.method)
            ccurl_set_size(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(length ?? -1))
            ccurl_set_callback(easy, CURLOPT_READFUNCTION, Self.onSupply)
            ccurl_set_pointer(easy, CURLOPT_READDATA, context)
            transfer.feed(stream, wake: wake)
        }
    }

    /// libcurl keeps a copy of the bytes, and can send them again when an idle connection turns out to be dead.
    private func setBytes(_ bytes: [UInt8], method: String) {
        ccurl_set_long(easy, CURLOPT_POST, 1)
        ccurl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
        bytes.withUnsafeBytes { _ = ccurl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress ?? UnsafeRawPointer(easy)) }
        if method != "POST" { ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, method) }
    }

    /// The exchange that a handle belongs to.
    static func of(_ easy: UnsafeMutableRawPointer?) -> Exchange? {
        var pointer: UnsafeMutableRawPointer?
        guard let easy, ccurl_get_pointer(easy, CURLINFO_PRIVATE, &pointer) == CURLE_OK, let pointer else { return nil }
        return Unmanaged<Exchange>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Gives the handle back. It must be out of the multi handle.
    func close() {
        curl_easy_cleanup(easy)
        curl_slist_free_all(lines)
        lines = nil
        errorText.deallocate()
    }

    /// Lets libcurl go on in the directions in which there is something to do.
    func resume() {
        lastActivity = .now
        var still: Int32 = 0
        if transfer.isPaused { still |= CURLPAUSE_RECV }
        if transfer.isStarved { still |= CURLPAUSE_SEND }
        curl_easy_pause(easy, still)
    }

    /// When the exchange will have taken too long, and what to say then; `nil` while it waits for its own side.
    var deadline: (ContinuousClock.Instant, UpstreamError)? {
        if transfer.isPaused || transfer.isStarved { return nil }
        let plan = transfer.plan
        return head.isComplete
            ? (lastActivity + plan.silenceTimeout, .timedOut(.silence, limit: plan.silenceTimeout))
            : (lastActivity + plan.firstByteTimeout, .timedOut(.firstByte, limit: plan.firstByteTimeout))
    }

    /// What libcurl's last word on the transfer means.
    func outcome(of code: CURLcode) -> Result<Void, UpstreamError> {
        if code == CURLE_OK { return head.isComplete ? .success(()) : .failure(.broken("it ended without a head")) }
        if let failure = transfer.supplyFailure { return .failure(failure) }
        if let headFailure { return .failure(.broken(headFailure)) }
        let text = String(cString: errorText)
        let detail = text.isEmpty ? nil : text
        return .failure(CurlFault.translate(code, detail: detail, plan: transfer.plan))
    }

    // MARK: Callbacks, on the transport's thread

    private static let onHeader: ccurl_data_callback = { data, size, count, context in
        guard let data, let exchange = Exchange.from(context) else { return 0 }
        exchange.lastActivity = .now
        switch exchange.head.take(UnsafeRawBufferPointer(start: data, count: size * count)) {
        case .more: break
        case .complete(let status, let fields): exchange.transfer.resolve(.success((status, fields)))
        case .bad(let why):
            exchange.headFailure = why
            return 0
        }
        return size * count
    }

    private static let onBody: ccurl_data_callback = { data, size, count, context in
        guard let data, let exchange = Exchange.from(context) else { return 0 }
        exchange.lastActivity = .now
        switch exchange.transfer.receive(UnsafeRawBufferPointer(start: data, count: size * count)) {
        case .taken: return size * count
        case .pause: return ccurl_write_pause
        }
    }

    private static let onSupply: ccurl_data_callback = { data, size, count, context in
        guard let data, let exchange = Exchange.from(context) else { return ccurl_read_abort }
        exchange.lastActivity = .now
        switch exchange.transfer.take(into: UnsafeMutableRawBufferPointer(start: data, count: size * count)) {
        case .bytes(let count): return count
        case .end: return 0
        case .nothingYet: return ccurl_read_pause
        case .failed: return ccurl_read_abort
        }
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> Exchange? {
        context.map { Unmanaged<Exchange>.fromOpaque($0).takeUnretainedValue() }
    }
}
