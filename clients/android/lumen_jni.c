/* JNI shim for LumenSession.java. Handles are checked by the library, so that a closed session
 * answers LUMEN_STATUS_CLOSED here too; the buffers that Java passes are checked here. */
#include <jni.h>
#include <lumen_core.h>

#include <stdint.h>
#include <string.h>

#define SHIM(type, name) JNIEXPORT type JNICALL Java_org_lumen_core_LumenSession_##name

static LumenSession *session_of(jlong handle)
{
    return (LumenSession *)(uintptr_t)handle;
}

static void throw_status(JNIEnv *env, LumenStatus status)
{
    const char *name = status == LUMEN_STATUS_INVALID_ARG || status == LUMEN_STATUS_NULL_POINTER
                           ? "java/lang/IllegalArgumentException"
                           : "java/lang/IllegalStateException";
    jclass class = (*env)->FindClass(env, name);
    if (class)
        (*env)->ThrowNew(env, class, lumen_status_text(status));
}

/* Copies exactly `bytes` bytes; 0 when the array is NULL or of another length. */
static int copy_bytes(JNIEnv *env, jbyteArray from, uint8_t *to, jsize bytes)
{
    if (!from || (*env)->GetArrayLength(env, from) != bytes)
        return 0;
    (*env)->GetByteArrayRegion(env, from, 0, bytes, (jbyte *)to);
    return 1;
}

static LumenStatus configure(JNIEnv *env, LumenConfig *config, jint phase, jbyteArray key,
                             jbyteArray salt)
{
    memset(config, 0, sizeof *config);
    config->struct_size = sizeof *config;
    config->phase = (uint32_t)phase;
    config->fec_scheme = phase == LUMEN_PHASE_LUMEN1 ? LUMEN_FEC_GF16 : LUMEN_FEC_GF8;
    config->fec_percent = 20;
    config->encrypt = 1;
    if (!copy_bytes(env, key, config->key, sizeof config->key) ||
        !copy_bytes(env, salt, config->salt, sizeof config->salt))
        return LUMEN_STATUS_INVALID_ARG;
    return LUMEN_STATUS_OK;
}

SHIM(jlong, nativeOpen)
(JNIEnv *env, jclass class, jint role, jint phase, jbyteArray key, jbyteArray salt, jstring local,
 jstring peer)
{
    LumenConfig config;
    LumenSession *session = NULL;
    (void)class;
    const char *local_text = local ? (*env)->GetStringUTFChars(env, local, NULL) : NULL;
    const char *peer_text = peer ? (*env)->GetStringUTFChars(env, peer, NULL) : NULL;
    LumenStatus status = configure(env, &config, phase, key, salt);
    config.role = (uint32_t)role;
    if (status == LUMEN_STATUS_OK)
        status = lumen_session_open(&config, local_text, peer_text, &session);
    memset(&config, 0, sizeof config);
    if (local_text)
        (*env)->ReleaseStringUTFChars(env, local, local_text);
    if (peer_text)
        (*env)->ReleaseStringUTFChars(env, peer, peer_text);
    if (status != LUMEN_STATUS_OK)
        throw_status(env, status);
    return (jlong)(uintptr_t)session;
}

SHIM(jlongArray, nativeLoopback)
(JNIEnv *env, jclass class, jint phase, jbyteArray key, jbyteArray salt, jint drop_period)
{
    LumenConfig host, client;
    LumenSession *sessions[2] = {NULL, NULL};
    (void)class;
    LumenStatus status = configure(env, &host, phase, key, salt);
    host.role = LUMEN_ROLE_HOST;
    host.loopback_drop_period = (uint32_t)drop_period;
    client = host;
    client.role = LUMEN_ROLE_CLIENT;
    if (status == LUMEN_STATUS_OK)
        status = lumen_test_loopback_pair(&host, &client, &sessions[0], &sessions[1]);
    if (status != LUMEN_STATUS_OK) {
        throw_status(env, status);
        return NULL;
    }
    jlong handles[2] = {(jlong)(uintptr_t)sessions[0], (jlong)(uintptr_t)sessions[1]};
    jlongArray result = (*env)->NewLongArray(env, 2);
    if (result) {
        (*env)->SetLongArrayRegion(env, result, 0, 2, handles);
        return result;
    }
    lumen_session_free(sessions[0]);
    lumen_session_free(sessions[1]);
    return NULL;
}

SHIM(jint, nativeSubmit)
(JNIEnv *env, jclass class, jlong handle, jobject frame, jint at, jint bytes, jlong pts_ns,
 jint flags)
{
    (void)class;
    const uint8_t *data = frame ? (*env)->GetDirectBufferAddress(env, frame) : NULL;
    if (!data)
        return LUMEN_STATUS_NULL_POINTER;
    jlong capacity = (*env)->GetDirectBufferCapacity(env, frame);
    if (at < 0 || bytes < 0 || (jlong)at + bytes > capacity)
        return LUMEN_STATUS_INVALID_ARG;
    return lumen_host_submit_frame(session_of(handle), data + at, (size_t)bytes, (uint64_t)pts_ns,
                                   (uint32_t)flags);
}

SHIM(jobject, nativePoll)(JNIEnv *env, jclass class, jlong handle, jobject info)
{
    LumenFrame frame;
    (void)class;
    LumenStatus status = lumen_client_poll_frame(session_of(handle), &frame);
    if (status == LUMEN_STATUS_NO_FRAME)
        return NULL;
    if (status != LUMEN_STATUS_OK) {
        throw_status(env, status);
        return NULL;
    }
    if (info) {
        jclass type = (*env)->GetObjectClass(env, info);
        jfieldID index = (*env)->GetFieldID(env, type, "index", "I");
        jfieldID flags = (*env)->GetFieldID(env, type, "flags", "I");
        jfieldID pts = (*env)->GetFieldID(env, type, "ptsNs", "J");
        if (!index || !flags || !pts)
            return NULL;
        (*env)->SetIntField(env, info, index, (jint)frame.frame_index);
        (*env)->SetIntField(env, info, flags, (jint)frame.flags);
        (*env)->SetLongField(env, info, pts, (jlong)frame.pts_ns);
    }
    return (*env)->NewDirectByteBuffer(env, (void *)(uintptr_t)frame.data, (jlong)frame.len);
}

SHIM(jint, nativeWait)(JNIEnv *env, jclass class, jlong handle, jint timeout_ms)
{
    (void)env;
    (void)class;
    return lumen_session_wait(session_of(handle), (uint32_t)timeout_ms);
}

SHIM(jint, nativeSendKey)(JNIEnv *env, jclass class, jlong handle, jint code, jboolean down)
{
    LumenInputEvent event;
    (void)env;
    (void)class;
    memset(&event, 0, sizeof event);
    event.type = LUMEN_INPUT_KEY;
    event.code = (uint32_t)code;
    event.value = down ? 1 : 0;
    return lumen_send_input(session_of(handle), &event);
}

SHIM(void, nativeFree)(JNIEnv *env, jclass class, jlong handle)
{
    (void)env;
    (void)class;
    lumen_session_free(session_of(handle));
}
