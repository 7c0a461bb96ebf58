import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** A Java service in miniature. It knows nothing of OpenTelemetry: the Java agent sees its requests. */
public class Service {
  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", exchange -> {
      exchange.sendResponseHeaders(204, -1);
      exchange.close();
    });
    server.start();

    HttpClient client = HttpClient.newHttpClient();
    String baggage = System.getenv().getOrDefault("BAGGAGE", "");
    for (int i = 0; i < Integer.parseInt(System.getenv("SPANS")); i++) {
      URI uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/order/" + i);
      client.send(HttpRequest.newBuilder(uri).header("baggage", baggage).build(), BodyHandlers.discarding());
    }
    server.stop(0);
  }
}
