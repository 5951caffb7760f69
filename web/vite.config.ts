import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// What is built is committed, so its file names are fixed; the server adds ?v=HASH where it names them.
export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    outDir: process.env.GANVAS_PAGE ?? "../src/ganvas/studio/page",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    rolldownOptions: {
      output: { entryFileNames: "app.js", chunkFileNames: "[name].js", assetFileNames: "app[extname]" },
    },
  },
});
