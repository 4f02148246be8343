package org.lumen.core;

import java.nio.ByteBuffer;

/**
 * A session of liblumen-core; see lumen_core.h for what each call does, and for its thread rules.
 * A sketch to start from: video and keys, no codes and no sans-I/O objects.
 */
public final class LumenSession implements AutoCloseable {
    public static final int ROLE_HOST = 0;
    public static final int ROLE_CLIENT = 1;
    public static final int STATUS_OK = 0;
    public static final int STATUS_NO_FRAME = -3;
    public static final int STATUS_CLOSED = -4;

    static {
        System.loadLibrary("lumen-jni");
    }

    /** What poll fills in, beside the frame's bytes. */
    public static final class FrameInfo {
        public int index;
        public int flags;
        public long ptsNs;
    }

    private long handle;

    private LumenSession(long handle) {
        this.handle = handle;
    }

    /** Throws IllegalArgumentException or IllegalStateException with the status' text. */
    public static LumenSession open(int role, int phase, byte[] key, byte[] salt, String local, String peer) {
        return new LumenSession(nativeOpen(role, phase, key, salt, local, peer));
    }

    /** A host and a client joined in memory. */
    public static LumenSession[] loopback(int phase, byte[] key, byte[] salt, int dropPeriod) {
        long[] handles = nativeLoopback(phase, key, salt, dropPeriod);
        return new LumenSession[] {new LumenSession(handles[0]), new LumenSession(handles[1])};
    }

    /** Host: a direct buffer's bytes from position to limit. A status. */
    public int submit(ByteBuffer frame, long ptsNs, int flags) {
        return nativeSubmit(handle, frame, frame.position(), frame.remaining(), ptsNs, flags);
    }

    /** Client: the next frame, valid until the next poll or close; null when there is none. */
    public ByteBuffer poll(FrameInfo info) {
        return nativePoll(handle, info);
    }

    /** A status: OK when there may be something to poll. */
    public int waitFor(int timeoutMs) {
        return nativeWait(handle, timeoutMs);
    }

    /** Client: a Linux key code. A status. */
    public int sendKey(int code, boolean down) {
        return nativeSendKey(handle, code, down);
    }

    @Override
    public void close() {
        nativeFree(handle);
        handle = 0;
    }

    private static native long nativeOpen(int role, int phase, byte[] key, byte[] salt, String local, String peer);
    private static native long[] nativeLoopback(int phase, byte[] key, byte[] salt, int dropPeriod);
    private static native int nativeSubmit(long handle, ByteBuffer frame, int at, int bytes, long ptsNs, int flags);
    private static native ByteBuffer nativePoll(long handle, FrameInfo info);
    private static native int nativeWait(long handle, int timeoutMs);
    private static native int nativeSendKey(long handle, int code, boolean down);
    private static native void nativeFree(long handle);
}
