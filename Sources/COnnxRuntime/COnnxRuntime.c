// For SCHED_IDLE.
#define _GNU_SOURCE

#include "COnnxRuntime.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

// Opaque objects of the runtime.
typedef struct OrtEnv OrtEnv;
typedef struct OrtStatus OrtStatus;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtValue OrtValue;
typedef struct OrtTensorInfo OrtTensorInfo;

// The table as an array: every member is a function pointer.
typedef void (*any_function)(void);
typedef struct {
    const any_function *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
} api_base;

// Places in the table, in the order in which the API declares its functions.
enum {
    GET_ERROR_MESSAGE = 2,
    CREATE_ENV = 3,
    CREATE_SESSION = 7,
    RUN = 9,
    CREATE_SESSION_OPTIONS = 10,
    SET_GRAPH_OPTIMIZATION_LEVEL = 23,
    SET_INTRA_OP_THREADS = 24,
    CREATE_TENSOR_WITH_DATA = 49,
    GET_TENSOR_DATA = 51,
    GET_SHAPE_ELEMENT_COUNT = 64,
    GET_TENSOR_INFO = 65,
    CREATE_CPU_MEMORY_INFO = 69,
    RELEASE_ENV = 92,
    RELEASE_STATUS = 93,
    RELEASE_MEMORY_INFO = 94,
    RELEASE_SESSION = 95,
    RELEASE_VALUE = 96,
    RELEASE_TENSOR_INFO = 99,
    RELEASE_SESSION_OPTIONS = 100,
    ADD_SESSION_CONFIG_ENTRY = 130,
};

// A version of the table that has all of these; any later library still serves it.
enum { API_VERSION = 14, LOG_ERROR = 3, OPTIMIZE_ALL = 99, ALLOCATOR_ARENA = 1, MEMORY_DEFAULT = 0, MOST_TENSORS = 8 };

typedef const char *(*get_error_message_fn)(const OrtStatus *);
typedef OrtStatus *(*create_env_fn)(int level, const char *name, OrtEnv **);
typedef OrtStatus *(*create_session_fn)(const OrtEnv *, const char *path, const OrtSessionOptions *, OrtSession **);
typedef OrtStatus *(*run_fn)(OrtSession *, const void *options, const char *const *input_names, const OrtValue *const *inputs, size_t input_count,
                             const char *const *output_names, size_t output_count, OrtValue **outputs);
typedef OrtStatus *(*create_session_options_fn)(OrtSessionOptions **);
typedef OrtStatus *(*set_int_option_fn)(OrtSessionOptions *, int);
typedef OrtStatus *(*add_config_entry_fn)(OrtSessionOptions *, const char *key, const char *value);
typedef OrtStatus *(*create_tensor_fn)(const OrtMemoryInfo *, void *data, size_t bytes, const int64_t *shape, size_t shape_count, int type, OrtValue **);
typedef OrtStatus *(*get_tensor_data_fn)(OrtValue *, void **);
typedef OrtStatus *(*get_element_count_fn)(const OrtTensorInfo *, size_t *);
typedef OrtStatus *(*get_tensor_info_fn)(const OrtValue *, OrtTensorInfo **);
typedef OrtStatus *(*create_memory_info_fn)(int allocator, int memory, OrtMemoryInfo **);
typedef void (*release_fn)(void *);

struct cort_runtime {
    const any_function *api;
    const char *version;
    OrtEnv *env;
    OrtMemoryInfo *memory;
};

struct cort_session {
    cort_runtime *runtime;
    OrtSession *session;
};

#define CALL(type, runtime, place) ((type)(runtime)->api[place])

static char *message_of(const char *text) {
    char *copy = malloc(strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

// Takes the status over; NULL for success.
static char *failure(const cort_runtime *runtime, OrtStatus *status) {
    if (!status) return NULL;
    char *message = message_of(CALL(get_error_message_fn, runtime, GET_ERROR_MESSAGE)(status));
    CALL(release_fn, runtime, RELEASE_STATUS)(status);
    return message;
}

static void release(const cort_runtime *runtime, int place, void *object) {
    if (object) CALL(release_fn, runtime, place)(object);
}

char *cort_open(const char *library_path, cort_runtime **result) {
    void *library = dlopen(library_path, RTLD_NOW | RTLD_LOCAL);
    if (!library) return message_of(dlerror());
    const api_base *(*get_base)(void) = (const api_base *(*)(void))dlsym(library, "OrtGetApiBase");
    if (!get_base) return message_of("the library has no OrtGetApiBase: it is not ONNX Runtime");
    const api_base *base = get_base();
    cort_runtime *runtime = calloc(1, sizeof *runtime);
    if (!runtime) return message_of("no memory");
    runtime->api = base->get_api(API_VERSION);
    runtime->version = base->get_version();
    char *message = runtime->api ? NULL : message_of("the library is too old");
    if (!message) message = failure(runtime, CALL(create_env_fn, runtime, CREATE_ENV)(LOG_ERROR, "reprise", &runtime->env));
    if (!message) message = failure(runtime, CALL(create_memory_info_fn, runtime, CREATE_CPU_MEMORY_INFO)(ALLOCATOR_ARENA, MEMORY_DEFAULT, &runtime->memory));
    if (message) {
        cort_close(runtime);
        return message;
    }
    *result = runtime;
    return NULL;
}

const char *cort_version(const cort_runtime *runtime) { return runtime->version; }

// What differs from the runtime's defaults, in pairs of key and value. A key that a library does not know is passed over by it.
static const char *const session_settings[][2] = {
    // The fused addition and norm takes longer than the two by themselves: a sixth of an embedding of 16 tokens on AVX2.
    {"optimization.disable_specified_optimizers", "SkipLayerNormFusion"},
    // Threads wait for each other's next piece by spinning, which is quick, but not for the next call, which may never come.
    {"session.force_spinning_stop", "1"},
};

static char *load(cort_runtime *runtime, const char *model_path, int threads, cort_session **result) {
    OrtSessionOptions *options = NULL;
    OrtSession *session = NULL;
    char *message = failure(runtime, CALL(create_session_options_fn, runtime, CREATE_SESSION_OPTIONS)(&options));
    if (!message) message = failure(runtime, CALL(set_int_option_fn, runtime, SET_INTRA_OP_THREADS)(options, threads));
    if (!message) message = failure(runtime, CALL(set_int_option_fn, runtime, SET_GRAPH_OPTIMIZATION_LEVEL)(options, OPTIMIZE_ALL));
    for (size_t i = 0; !message && i < sizeof session_settings / sizeof *session_settings; i++)
        message = failure(runtime, CALL(add_config_entry_fn, runtime, ADD_SESSION_CONFIG_ENTRY)(options, session_settings[i][0], session_settings[i][1]));
    if (!message) message = failure(runtime, CALL(create_session_fn, runtime, CREATE_SESSION)(runtime->env, model_path, options, &session));
    release(runtime, RELEASE_SESSION_OPTIONS, options);
    if (message) return message;
    cort_session *made = malloc(sizeof *made);
    if (!made) {
        release(runtime, RELEASE_SESSION, session);
        return message_of("no memory");
    }
    made->runtime = runtime;
    made->session = session;
    *result = made;
    return NULL;
}

void cort_stand_back(void) {
    // Linux reads 0 as the calling thread. What cannot be had is gone without.
    (void)setpriority(PRIO_PROCESS, 0, 5);
}

void cort_take_idle_time(void) {
    const struct sched_param none = {0};
    if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) (void)setpriority(PRIO_PROCESS, 0, 19);
}

typedef struct {
    cort_runtime *runtime;
    const char *model_path;
    int threads;
    cort_session **result;
    char *message;
} loading;

static void *load_standing_back(void *argument) {
    loading *asked = argument;
    cort_stand_back();
    asked->message = load(asked->runtime, asked->model_path, asked->threads, asked->result);
    return NULL;
}

// The session's own threads take their priority over from the thread that makes it.
char *cort_load(cort_runtime *runtime, const char *model_path, int threads, cort_session **result) {
    loading asked = {runtime, model_path, threads, result, NULL};
    pthread_t thread;
    if (pthread_create(&thread, NULL, load_standing_back, &asked) != 0) return load(runtime, model_path, threads, result);
    pthread_join(thread, NULL);
    return asked.message;
}

static size_t element_size(int kind) { return kind == 1 ? 4 : kind == 2 ? 1 : 8; }

// Copies one output out, if it has the size that is expected.
static char *copy_output(const cort_runtime *runtime, OrtValue *value, const cort_tensor *output) {
    OrtTensorInfo *info = NULL;
    size_t count = 0;
    void *data = NULL;
    const size_t expected = output->bytes / element_size(output->kind);
    char *message = failure(runtime, CALL(get_tensor_info_fn, runtime, GET_TENSOR_INFO)(value, &info));
    if (!message) message = failure(runtime, CALL(get_element_count_fn, runtime, GET_SHAPE_ELEMENT_COUNT)(info, &count));
    release(runtime, RELEASE_TENSOR_INFO, info);
    if (!message && count != expected) {
        char text[160];
        snprintf(text, sizeof text, "the model gave %zu numbers as %.40s instead of %zu", count, output->name, expected);
        message = message_of(text);
    }
    if (!message) message = failure(runtime, CALL(get_tensor_data_fn, runtime, GET_TENSOR_DATA)(value, &data));
    if (!message) memcpy(output->data, data, output->bytes);
    return message;
}

char *cort_run(cort_session *session, const cort_tensor *inputs, size_t input_count, const cort_tensor *outputs, size_t output_count) {
    const cort_runtime *runtime = session->runtime;
    OrtValue *taken[MOST_TENSORS] = {NULL}, *given[MOST_TENSORS] = {NULL};
    const char *input_names[MOST_TENSORS], *output_names[MOST_TENSORS];
    if (input_count > MOST_TENSORS || output_count > MOST_TENSORS) return message_of("the model has too many inputs or outputs");
    create_tensor_fn create = CALL(create_tensor_fn, runtime, CREATE_TENSOR_WITH_DATA);
    char *message = NULL;
    for (size_t i = 0; i < input_count && !message; i++) {
        const cort_tensor *input = &inputs[i];
        input_names[i] = input->name;
        message = failure(runtime, create(runtime->memory, input->data, input->bytes, input->shape, input->rank, input->kind, &taken[i]));
    }
    for (size_t i = 0; i < output_count; i++) output_names[i] = outputs[i].name;
    if (!message) {
        run_fn run = CALL(run_fn, runtime, RUN);
        message = failure(runtime, run(session->session, NULL, input_names, (const OrtValue *const *)taken, input_count, output_names, output_count, given));
    }
    for (size_t i = 0; i < output_count && !message; i++) message = copy_output(runtime, given[i], &outputs[i]);
    for (size_t i = 0; i < output_count; i++) release(runtime, RELEASE_VALUE, given[i]);
    for (size_t i = 0; i < input_count; i++) release(runtime, RELEASE_VALUE, taken[i]);
    return message;
}

void cort_unload(cort_session *session) {
    if (!session) return;
    release(session->runtime, RELEASE_SESSION, session->session);
    free(session);
}

void cort_close(cort_runtime *runtime) {
    if (!runtime) return;
    if (runtime->api) {
        release(runtime, RELEASE_MEMORY_INFO, runtime->memory);
        release(runtime, RELEASE_ENV, runtime->env);
    }
    free(runtime);
}

void cort_free(char *message) { free(message); }
