package helloworld;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.Executors;

/** Answers "Hello, World!" at / and /index, with what the JDK has. */
public final class HelloWorld {
  private static final Set<String> PATHS = Set.of("/", "/index");

  public static void main(String[] args) throws IOException {
    int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "5000"));
    HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext(
        "/",
        exchange -> {
          boolean found = PATHS.contains(exchange.getRequestURI().getPath());
          byte[] body = (found ? "Hello, World!" : "Not found").getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
          boolean bodiless = exchange.getRequestMethod().equals("HEAD");
          exchange.sendResponseHeaders(found ? 200 : 404, bodiless ? -1 : body.length);
          if (!bodiless) {
            exchange.getResponseBody().write(body);
          }
          exchange.close();
        });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(0)));
    server.start();
    System.out.println("Listening on port " + port);
  }
}
