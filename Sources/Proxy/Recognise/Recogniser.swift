import HTTPTypes
import SemanticCache
import WireFormats

/// Step 2: what is it? From a request that was let in to a question, or to the reason why it is not looked up.
struct Recogniser: Sendable {
    /// What a request turned out to be.
    enum Finding: Sendable {
        case inquiry(Inquiry)
        case passThrough(ProxyRequest, BypassReason, strippingControls: Bool)
        case refused(ProxyResponse)
    }

    let tenants: TenantResolver
    /// `nil` where histories stand as they are.
    var conversations: Conversations?

    /// - Parameters:
    ///   - settings: what holds for this request, whatever is decided until it ends.
    func recognise(_ admission: AccessControl.Admission, _ settings: LiveOptions.Snapshot, _ trace: RequestTrace) -> Finding {
        let request = admission.request
        let path = request.pathWithoutQuery
        guard ProxyPath.isSafe(path) else {
            return .refused(
                ErrorResponse.client(.badRequest, message: "The path may not contain dot segments or encoded separators.", code: "bad_path"))
        }
        if request.upgrade != nil { return .passThrough(request, .webSocket, strippingControls: false) }
        guard let endpoint = Endpoint(path: request.path[...]), settings.options.endpoints.contains(endpoint) else {
            return .passThrough(request, .path, strippingControls: false)
        }
        guard request.method == .post else { return .passThrough(request, .method, strippingControls: false) }
        do throws(RequestError) {
            return try recognise(admission, controlled: settings, trace)
        } catch {
            return .refused(ErrorResponse.client(.badRequest, message: error.message, param: error.param, path: request.path))
        }
    }

    /// A request to a cached endpoint. Controls are looked at first: one that cannot be understood is an error even where nothing is looked up.
    private func recognise(
        _ admission: AccessControl.Admission, controlled settings: LiveOptions.Snapshot, _ trace: RequestTrace
    ) throws(RequestError) -> Finding {
        let (request, options) = (admission.request, settings.options)
        var controls = try RequestControls(request.fields)
        guard options.isEnabled else { return .passThrough(request, .disabled, strippingControls: true) }
        guard !controls.noStore, controls.mode != .off else { return .passThrough(request, .requested, strippingControls: true) }
        guard case .bytes(let body) = request.body else { return .passThrough(request, .encodedBody, strippingControls: true) }
        if let encoding = request.fields.value(of: .contentEncoding), encoding.lowercased() != "identity" {
            return .passThrough(request, .encodedBody, strippingControls: true)
        }
        switch RequestReader.read(path: request.path[...], body: body, document: admission.document) {
        case .bypass(let reason):
            return .passThrough(request, reason, strippingControls: true)
        case .unreadable:
            return .passThrough(request, .unreadableBody, strippingControls: true)
        case .invalid(let error):
            throw error
        case .cacheable(let content):
            // Controls that peers of this program put into the body are the cache's, and no model knows them.
            controls = controls.merging(content.bodyControls)
            let outgoing = content.strippedBody.map { request.withBody($0) } ?? request
            guard !controls.noStore, controls.mode != .off else { return .passThrough(outgoing, .requested, strippingControls: true) }
            if content.hasTools, options.tools == .off { return .passThrough(outgoing, .tools, strippingControls: true) }
            let namespace = controls.namespace ?? ""
            guard let tenant = tenants.tenant(of: request.callerFields, caller: admission.caller, namespace: namespace, under: options.access) else {
                return .passThrough(outgoing, .unauthenticated, strippingControls: true)
            }
            return .inquiry(
                Inquiry(
                    request: outgoing, content: content, controls: controls, caller: admission.caller, tenant: tenant, namespace: namespace,
                    settings: settings, trace: trace, conversations: conversations))
        }
    }
}
