import java.nio.ByteBuffer;
import org.lumen.core.LumenSession;

/** A stream in memory through the shim; prints what arrived. */
public final class Demo {
    public static void main(String[] arguments) {
        byte[] key = "0123456789abcdef".getBytes(), salt = "salt".getBytes();
        for (int phase = 1; phase <= 2; phase++) {
            LumenSession[] ends = LumenSession.loopback(phase, key, salt, 10);
            LumenSession.FrameInfo info = new LumenSession.FrameInfo();
            ByteBuffer frame = ByteBuffer.allocateDirect(30000);
            int arrived = 0;
            for (int i = 1; i <= 20; i++) {
                frame.clear();
                frame.putInt(0, i);
                if (ends[0].submit(frame, i * 1000000000L, 1) != LumenSession.STATUS_OK)
                    throw new AssertionError("submit");
                ByteBuffer got = ends[1].poll(info);
                if (got != null && got.remaining() == 30000 && got.getInt(0) == i
                        && info.ptsNs == i * 1000000000L && info.flags == 1 && info.index == i)
                    arrived++;
                if (ends[1].sendKey(30, i % 2 == 1) != LumenSession.STATUS_OK)
                    throw new AssertionError("sendKey");
            }
            ends[0].close();
            frame.clear();
            try (LumenSession client = ends[1]) {
                while (client.poll(info) != null)
                    throw new AssertionError("a frame that nobody sent");
            } catch (IllegalStateException closed) {
                System.out.println("phase " + phase + ": " + arrived + " of 20 frames, then " + closed.getMessage());
            }
            if (arrived != 20 || ends[0].submit(frame, 0, 0) >= 0)
                throw new AssertionError("phase " + phase);
        }
        try {
            LumenSession.open(5, 2, key, salt, "127.0.0.1:0", null);
            throw new AssertionError("role 5");
        } catch (IllegalArgumentException expected) {
            System.out.println("refused: " + expected.getMessage());
        }
    }
}
